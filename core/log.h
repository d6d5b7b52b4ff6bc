// The server's own log (not the log plugin's query lines alone): one line an event, "[LEVEL] text", to standard output.
// Whatever is in the text, names of files say, or what a peer sent, it stays that line: see one_line().
// Lines are handed to a thread, so that a full pipe never makes a caller wait; what does not fit is counted and said.
#pragma once

#include <string>
#include <string_view>

#include "core/format.h"

namespace swage::log {

// Hands `line` (without its newline) over for writing. Never blocks on I/O. Lines that find 1 MiB waiting are dropped;
// their number is written as soon as there is room.
void write(std::string_view line);

// `text` as write() writes it, for other outputs: control characters of ASCII, but for tabs, as "\x0a".
[[nodiscard]] std::string one_line(std::string_view text);

// How lines are written. `json`: as an object each, {"time":…,"level":…,"msg":…,"plugin":…}, as CoreDNS's -log-format
// json; levels are DEBUG, INFO, WARN, ERROR and FATAL, `plugin` is there where the text begins with "plugin/NAME: ".
// `time`: text begins with the time, in UTC and RFC 3339. For the whole process; neither at first.
struct Form {
  bool json = false;
  bool time = false;
};
void set_form(Form form);
[[nodiscard]] Form form();

// "[LEVEL] text" as write() writes it, without the newline. For other outputs.
[[nodiscard]] std::string formed(std::string_view line);

// Lines of level error so far, those of other processes not among them.
[[nodiscard]] std::size_t errors();

// Waits until all that was handed over is written, or 1 s has passed. For the end of a process.
void flush();

// Whether lines of level debug are written; false at first. For the whole process.
void show_debug(bool show);
[[nodiscard]] bool shows_debug();

template <typename... Values>
void debug(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  if (shows_debug()) write("[DEBUG] " + format_values(format.text(), {FormatValue(values)...}));
}

template <typename... Values>
void info(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  write("[INFO] " + format_values(format.text(), {FormatValue(values)...}));
}

template <typename... Values>
void warning(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  write("[WARNING] " + format_values(format.text(), {FormatValue(values)...}));
}

template <typename... Values>
void error(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  write("[ERROR] " + format_values(format.text(), {FormatValue(values)...}));
}

}  // namespace swage::log
