/* index PATH...: an inverted index over the text files under PATH, rebuilt over and over while the
 * one before it still stands, as a search server would.
 *
 * All of an index is on the heap:
 *
 *   index -> slots -> word -> word -> ...      a hash table with chains; slots double when full
 *                      |-> text                the word's bytes
 *                      `-> postings            file and position of each occurrence; doubles
 *
 * Each word read becomes a text object first, as it would in an interpreter, and is garbage when
 * the index has it already.  Outgrown slots and postings are garbage, and in the end so is the
 * whole index before this one. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "corpus.h"

struct text {
  uint64_t hash;
  uint32_t bytes;
  char word[];
};

struct posting {
  uint32_t file;
  uint32_t position; /* in words */
};

struct postings {
  uint64_t capacity;
  struct posting at[];
};

struct word {
  struct word *next;
  struct text *text;
  struct postings *postings;
  uint64_t count;
};

struct index {
  struct word **slots;
  uint64_t mask;
  uint64_t words;
};

#define INDEX_WORD_BYTES     64u /* a longer word is cut */
#define INDEX_FIRST_SLOTS    1024u
#define INDEX_FIRST_POSTINGS 2u
#define INDEX_READ_BYTES     ((uint64_t)160 << 20) /* so much text is read in all */
#define INDEX_PASSES_MIN     3u
#define INDEX_PASSES_MAX     1000u

struct indexer {
  gait_thread *thread;
  gait_kind index_kind, slots_kind, word_kind, leaf_kind;
  uint64_t tokens;
};

/* ---- Words ---- */

static bool index_is_letter(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

static unsigned char index_lower(char byte) {
  return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

static uint64_t index_mix(uint64_t hash) {
  hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

/* Reads the next word of [*at, end) in lower case; returns its length, 0 at the end. */
static uint32_t index_next_word(const char **at, const char *end, char *word) {
  const char *from = *at;
  uint32_t bytes = 0;
  while (from < end && !index_is_letter(index_lower(*from)))
    from++;
  for (; from < end && index_is_letter(index_lower(*from)); from++)
    if (bytes < INDEX_WORD_BYTES) word[bytes++] = (char)index_lower(*from);
  *at = from;
  return bytes;
}

static struct text *index_text(const struct indexer *indexer, const char *word, uint32_t bytes) {
  struct text *text = gait_alloc(indexer->thread, indexer->leaf_kind, sizeof *text + bytes);
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint32_t i = 0; i < bytes; i++)
    hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
  text->hash = index_mix(hash);
  text->bytes = bytes;
  memcpy(text->word, word, bytes);
  return text;
}

static bool index_same(const struct text *a, const struct text *b) {
  return a->hash == b->hash && a->bytes == b->bytes && memcmp(a->word, b->word, a->bytes) == 0;
}

/* ---- The index ---- */

static struct index *index_new(const struct indexer *indexer) {
  struct index *index = gait_alloc(indexer->thread, indexer->index_kind, sizeof *index);
  index->mask = INDEX_FIRST_SLOTS - 1;
  gait_store_init(indexer->thread, &index->slots,
                  gait_alloc_array(indexer->thread, indexer->slots_kind, 0, INDEX_FIRST_SLOTS,
                                   sizeof *index->slots));
  return index;
}

static void index_grow(const struct indexer *indexer, struct index *index) {
  uint64_t mask = index->mask * 2 + 1;
  struct word **slots =
      gait_alloc_array(indexer->thread, indexer->slots_kind, 0, mask + 1, sizeof *slots);
  for (uint64_t i = 0; i <= index->mask; i++) {
    for (struct word *word = index->slots[i], *next; word != NULL; word = next) {
      next = word->next;
      struct word **slot = &slots[word->text->hash & mask];
      gait_store(indexer->thread, &word->next, *slot);
      gait_store(indexer->thread, slot, word);
    }
  }
  gait_store(indexer->thread, &index->slots, slots);
  index->mask = mask;
}

static struct word *index_word(const struct indexer *indexer, struct index *index,
                               struct text *text) {
  struct word **slot = &index->slots[text->hash & index->mask];
  for (struct word *word = *slot; word != NULL; word = word->next)
    if (index_same(word->text, text)) return word;

  if (index->words > index->mask) {
    index_grow(indexer, index);
    slot = &index->slots[text->hash & index->mask];
  }
  struct word *word = gait_alloc(indexer->thread, indexer->word_kind, sizeof *word);
  gait_store_init(indexer->thread, &word->text, text);
  gait_store_init(indexer->thread, &word->next, *slot);
  gait_store(indexer->thread, slot, word);
  index->words++;
  return word;
}

static void index_add(const struct indexer *indexer, struct word *word, struct posting posting) {
  const struct postings *old = word->postings;
  if (old == NULL || word->count == old->capacity) {
    uint64_t capacity = old == NULL ? INDEX_FIRST_POSTINGS : old->capacity * 2;
    struct postings *grown = gait_alloc_array(indexer->thread, indexer->leaf_kind, sizeof *grown,
                                              capacity, sizeof grown->at[0]);
    grown->capacity = capacity;
    if (old != NULL) memcpy(grown->at, old->at, word->count * sizeof grown->at[0]);
    gait_store(indexer->thread, &word->postings, grown);
  }
  word->postings->at[word->count++] = posting;
}

static void index_file(struct indexer *indexer, struct index *index, uint32_t file,
                       const struct corpus_text *content) {
  char word[INDEX_WORD_BYTES];
  const char *at = content->start, *end = content->start + content->bytes;
  struct posting posting = {.file = file};
  for (uint32_t bytes; (bytes = index_next_word(&at, end, word)) > 0; posting.position++) {
    struct text *text = index_text(indexer, word, bytes);
    index_add(indexer, index_word(indexer, index, text), posting);
  }
  indexer->tokens += posting.position;
}

/* Depends on every word and every posting, not on the order of the table. */
static uint64_t index_checksum(const struct index *index) {
  uint64_t sum = index->words;
  for (uint64_t i = 0; i <= index->mask; i++) {
    for (const struct word *word = index->slots[i]; word != NULL; word = word->next) {
      uint64_t hash = word->text->hash;
      for (uint64_t j = 0; j < word->count; j++) {
        struct posting posting = word->postings->at[j];
        hash = index_mix(hash + ((uint64_t)posting.file << 32 | posting.position));
      }
      sum += hash;
    }
  }
  return sum;
}

/* ---- The work ---- */

static gait_result index_kinds(const struct workload_input *input, struct indexer *indexer) {
  indexer->leaf_kind = gait_kind_leaf(input->heap);
  gait_result result =
      workload_kind(input->heap, "index", sizeof(struct index), 1, 0, &indexer->index_kind);
  if (result == GAIT_OK)
    result = workload_kind(input->heap, "index slots", 8, 1, 8, &indexer->slots_kind);
  if (result == GAIT_OK)
    result =
        workload_kind(input->heap, "index word", sizeof(struct word), 7, 0, &indexer->word_kind);
  return result;
}

/* One pass over all files.  A file is read outside managed code: it may block. */
static struct index *index_pass(struct indexer *indexer, struct corpus *corpus) {
  struct index *index = index_new(indexer);
  for (uint32_t file = 0; file < corpus->file_count; file++) {
    struct corpus_text content;
    gait_thread_leave(indexer->thread);
    corpus_read(corpus, file, &content);
    gait_thread_enter(indexer->thread);
    index_file(indexer, index, file, &content);
  }
  return index;
}

static enum workload_status index_passes(const struct workload_input *input, struct corpus *corpus,
                                         struct workload_result *result) {
  struct indexer indexer = {.thread = input->thread};
  gait_result ready = index_kinds(input, &indexer);
  if (ready != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(ready));

  uint64_t passes = INDEX_READ_BYTES / corpus->bytes;
  if (passes < INDEX_PASSES_MIN) passes = INDEX_PASSES_MIN;
  if (passes > INDEX_PASSES_MAX) passes = INDEX_PASSES_MAX;
  struct index *index = NULL;
  uint64_t start = workload_now_ns();
  for (uint64_t i = 0; i < passes; i++) {
    struct index *fresh = index_pass(&indexer, corpus);
    /* The one before is looked at only now, so that it has lived till now. */
    if (index != NULL && index->words != fresh->words)
      return workload_stop(result, WORKLOAD_FAILED, "the text has changed between two passes");
    index = fresh;
  }
  uint64_t ns = workload_now_ns() - start;

  if (indexer.tokens == 0) return workload_stop(result, WORKLOAD_FAILED, "the files hold no words");
  result->ops = indexer.tokens;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)indexer.tokens;
  result->checksum = index_checksum(index);
  workload_figure(result, "files", corpus->file_count);
  workload_figure(result, "text_bytes", corpus->bytes);
  workload_figure(result, "words", index->words);
  workload_figure(result, "passes", passes);
  return WORKLOAD_OK;
}

static enum workload_status index_run(const struct workload_input *input,
                                      struct workload_result *result) {
  if (input->argument_count < 1)
    return workload_stop(result, WORKLOAD_USAGE, "PATH: at least one file or folder is wanted");
  struct corpus corpus;
  gait_thread_leave(input->thread);
  bool found = corpus_open(&corpus, input->arguments, input->argument_count);
  gait_thread_enter(input->thread);
  if (!found) return workload_stop(result, WORKLOAD_FAILED, "out of memory");
  enum workload_status status = WORKLOAD_FAILED;
  if (corpus.bytes == 0)
    workload_stop(result, WORKLOAD_FAILED, "there is no text to read under the given paths");
  else
    status = index_passes(input, &corpus, result);
  corpus_close(&corpus);
  return status;
}

const struct workload workload_index = {
    .name = "index",
    .arguments = "PATH...",
    .summary = "builds an inverted index over all text files under each PATH, again and again",
    .operation = "word",
    .threads_max = 1,
    .run = index_run,
};
