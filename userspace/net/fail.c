/* SPDX-License-Identifier: MIT */
#include "net/fail.h"

#include <stdarg.h>
#include <stdio.h>

int net_fail(struct config_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return code;
}
