#include "words.h"

#define HIGH(tag)    (UINT64_C(tag) << 48)
#define BELOW(grain) (~(UINT64_C(grain) - 1))

static const struct words words_plain = {"plain", false, 0, 1, {0, 0, 0, 0}};

static const struct words words_tagged[] = {
    {"a low bit set", true, 1, 2, {.mask = 1, .first = 1, .address_mask = BELOW(2)}},
    {"a low bit clear", true, 0, 2, {.mask = 1, .first = 0, .address_mask = BELOW(2)}},
    {"some of three low bits",
     true,
     3,
     8,
     {.mask = 7, .first = 2, .last = 5, .address_mask = BELOW(8)}},
    {"four low bits, of which two count",
     true,
     15,
     16,
     {.mask = 3, .first = 3, .address_mask = BELOW(16)}},
    {"a boxed NaN",
     true,
     HIGH(0xFFFA),
     1,
     {.mask = HIGH(0xFFFF), .first = HIGH(0xFFFA), .address_mask = ~HIGH(0xFFFF)}},
    {"a range of high bits",
     true,
     HIGH(0xFFFB),
     1,
     {.mask = HIGH(0xFFFF),
      .first = HIGH(0xFFF9),
      .last = HIGH(0xFFFE),
      .address_mask = ~HIGH(0xFFFF)}},
    {"bits at both ends",
     true,
     HIGH(0x4200) | 5,
     8,
     {.mask = HIGH(0xFF00) | 7, .first = HIGH(0x4200) | 5, .address_mask = HIGH(1) - 8}},
};

const struct words *words_choose(bool tagged, uint64_t seed) {
  return tagged ? &words_tagged[seed % (sizeof words_tagged / sizeof *words_tagged)] : &words_plain;
}
