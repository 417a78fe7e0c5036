#include "explain_text.h"

#include <stdint.h>

static const double text_most = 9e17; /* its digits fit 64 bits */

struct explain_text explain_text_begin(char *text, size_t bytes) {
  text[0] = '\0';
  return (struct explain_text){text, text + bytes - 1};
}

static void text_put_char(struct explain_text *text, char character) {
  if (text->at == text->last) return;
  *text->at++ = character;
  *text->at = '\0';
}

void explain_put(struct explain_text *text, const char *words) {
  while (*words != '\0')
    text_put_char(text, *words++);
}

/* At least so many digits. */
static void text_put_digits(struct explain_text *text, uint64_t number, int least) {
  char digits[24];
  int count = 0;
  for (; number > 0 || count < least; number /= 10)
    digits[count++] = (char)('0' + number % 10);
  while (count > 0)
    text_put_char(text, digits[--count]);
}

/* `value` with so many decimals at most, without zeros at its end. */
static void text_put_decimal(struct explain_text *text, double value, int decimals) {
  uint64_t unit = 1;
  if (!(value >= 0)) {
    explain_put(text, "-");
    value = -value;
  }
  if (!(value < text_most / 1000)) value = text_most / 1000;
  for (int i = 0; i < decimals; i++)
    unit *= 10;
  uint64_t scaled = (uint64_t)(value * (double)unit + 0.5), rest = scaled % unit;
  text_put_digits(text, scaled / unit, 1);
  if (rest == 0) return;
  for (; rest % 10 == 0; decimals--)
    rest /= 10;
  explain_put(text, ".");
  text_put_digits(text, rest, decimals);
}

void explain_put_figure(struct explain_text *text, double value) {
  double size = value < 0 ? -value : value;
  int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  text_put_decimal(text, value, decimals);
}

void explain_put_whole(struct explain_text *text, double value) {
  text_put_decimal(text, value, 0);
}

void explain_put_size(struct explain_text *text, double bytes) {
  static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  int unit = 0;
  if (!(bytes < text_most)) {
    explain_put(text, "without end");
    return;
  }
  for (; unit < 5 && (bytes >= 1023.5 || bytes <= -1023.5); unit++)
    bytes /= 1024;
  explain_put_figure(text, bytes);
  explain_put(text, units[unit]);
}

void explain_put_time(struct explain_text *text, double seconds) {
  static const struct {
    double from, unit;
    const char *name;
  } rows[] = {{100, 60, " min"}, {0.9995, 1, " s"}, {0.9995e-3, 1e-3, " ms"}, {0, 1e-6, " us"}};
  int row = 0;
  while (row < 3 && !(seconds >= rows[row].from))
    row++;
  explain_put_figure(text, seconds / rows[row].unit);
  explain_put(text, rows[row].name);
}

void explain_put_share(struct explain_text *text, double share) {
  double percent = share * 100, size = percent < 0 ? -percent : percent;
  if (size >= 9.95)
    text_put_decimal(text, percent, 0);
  else if (size >= 0.995)
    text_put_decimal(text, percent, 1);
  else
    explain_put_figure(text, percent);
  explain_put(text, " %");
}

void explain_say(struct explain_text *text, const char *format, const double *values) {
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      text_put_char(text, *format);
      continue;
    }
    switch (*++format) {
    case 's': explain_put_size(text, *values++); break;
    case 't': explain_put_time(text, *values++); break;
    case 'p': explain_put_share(text, *values++); break;
    case 'w': explain_put_whole(text, *values++); break;
    case 'f': explain_put_figure(text, *values++); break;
    default: text_put_char(text, *format); break;
    }
  }
}
