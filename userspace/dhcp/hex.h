/* SPDX-License-Identifier: MIT */
/**
 * dhcp/hex.h - hexadecimal digits, in either case: inside dhcp/ only.
 */
#ifndef ETCDHCP_DHCP_HEX_H
#define ETCDHCP_DHCP_HEX_H

#include "base/types.h"

/** The digit's value, or -1. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/** The byte that two digits stand for, or -1. Reads the second only if the first is one. */
static inline int hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

#endif
