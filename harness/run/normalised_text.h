// Replaces in texts what differs from run to run, so that equal failures and equal lines of logs
// have equal texts. What they mean is not its business.
#pragma once

#include <string>
#include <string_view>

namespace harness::run {

// Returns the text with placeholders:
//
//   <time>       2026-12-01T02:45:01.123Z, 2026/12/01 02:45:01 +0100, 02:45:01,250, and
//                Dec  1 02:45:01, also behind the name of a day
//   <uuid>       550e8400-e29b-41d4-a716-446655440000
//   <address>    10.7.0.12, 10.7.0.12:7400, fe80::1, [fe80::1]:80, 52:54:00:12:34:56
//   <pointer>    0x7ffd3a10
//   <temporary>  what follows /tmp/, /var/tmp/, /run/ and /dev/shm/, up to the next slash or blank
//   <hex>        words of at least eight hexadecimal digits, of which one is a decimal digit and
//                one is none
//   <n>          other numbers, with their decimals; not those in words that begin with a letter,
//                such as server1 and x86_64
//
// The text may be any bytes. The result has `bytesMax` at most, and no more than sixteen times as
// many bytes of the text are read: texts that begin alike have results that are cut alike, unless
// they are longer than that.
std::string normalisedText(std::string_view text, size_t bytesMax);

}  // namespace harness::run
