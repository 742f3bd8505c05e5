/* SPDX-License-Identifier: MIT */
#include "perf/json.h"

#include <math.h>

static void quote(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* Whatever stands before a value. */
static void begin(struct json *json, const char *key)
{
	if (json->follows)
		fputc(',', json->out);
	if (json->depth > 0)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
	if (key) {
		quote(json->out, key);
		fputs(": ", json->out);
	}
	json->follows = true;
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->follows = false;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	fprintf(json->out, "\n%*s%c", (int)json->depth * 2, "", bracket);
	json->follows = true;
	if (json->depth == 0)
		fputc('\n', json->out);
}

void json_text(struct json *json, const char *key, const char *text)
{
	begin(json, key);
	quote(json->out, text);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_real(struct json *json, const char *key, double value)
{
	begin(json, key);
	if (isfinite(value))
		fprintf(json->out, "%.10g", value);
	else
		fputs("null", json->out);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}
