// What is logged is one line, whatever it is.
#include "core/log.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::string_literals;

TEST_CASE("log: text stays one line") {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"a line", "a line"},
      {"tab\there, \\n and é…", "tab\there, \\n and é…"},
      {"two\nlines\r\n", "two\\x0alines\\x0d\\x0a"},
      {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
      {"\0\n\0"s, "\\x00\\x0a\\x00"},
  };
  tests::LogCapture log;
  for (const auto& [text, line] : cases) {
    CHECK(log::one_line(text) == line);
    log::write(text);
    CHECK(log.take() == line + "\n");
    log::warning("{}: said", text);
    CHECK(log.take() == fmt::format("[WARNING] {}: said\n", line));
  }
}

TEST_CASE("log: each control character is seen, wherever it is, and nothing else") {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_control = (code < ' ' && c != '\t') || code == 0x7F;
    const std::string shown = is_control ? fmt::format("\\x{:02x}", code) : std::string(1, c);
    for (std::size_t at = 0; at < 20; ++at) {
      const std::string before(at, '\xFF'), behind(20 - at, '\x80');
      REQUIRE(log::one_line(before + c + behind) == before + shown + behind);
    }
  }
}

TEST_CASE("log: what is too long is cut, of whatever it is made") {
  tests::LogCapture log;
  log::write(std::string(100'000, 'x'));
  CHECK(log.take() == std::string(16 << 10, 'x') + "\n");
  log::write(std::string(100'000, '\n'));
  const std::string line = log.take();
  CHECK(line.size() == (64 << 10) + 1);
  CHECK(line.find('\n') == line.size() - 1);
}

TEST_CASE("log: JSON, an object a line") {
  log::set_form({.json = true});
  const auto message = [](std::string_view line) {
    const std::string text = log::formed(line);
    CHECK(text.find('\n') == std::string::npos);
    return nlohmann::json::parse(text);
  };
  nlohmann::json object = message("[WARNING] plugin/auto: zones: \"gone\"\n\x1b\t");
  CHECK(object["level"] == "WARN");
  CHECK(object["plugin"] == "auto");
  CHECK(object["msg"] == "zones: \"gone\"\n\x1b\t");
  CHECK(object["time"].get<std::string>().size() == std::string_view("2026-11-29T14:05:06.789012Z").size());
  object = message("dns://:53 example.org.");
  CHECK(object["level"] == "INFO");
  CHECK_FALSE(object.contains("plugin"));
  CHECK(message("[FATAL] x")["level"] == "FATAL");
  CHECK(message("[DEBUG] plugin/a b: c")["msg"] == "plugin/a b: c");
  CHECK(message("[INFO")["msg"] == "[INFO");
  CHECK(message("")["msg"] == "");
  // What is not UTF-8: a lone byte, an overlong form, a surrogate, a character cut short.
  CHECK(message("a\xff\xc0\xaf\xed\xa0\x80\xe2\x82")["msg"].get<std::string>().starts_with("a\xEF\xBF\xBD"));
  CHECK(message("\xe2\x82\xac")["msg"] == "\xe2\x82\xac");
  log::set_form({});
}

TEST_CASE("log: text with the time") {
  log::set_form({.time = true});
  const std::string line = log::formed("[INFO] a\nb");
  log::set_form({});
  CHECK(line.size() == std::string_view("2026-11-29T14:05:06.789012Z [INFO] a\\x0ab").size());
  CHECK(line.ends_with("Z [INFO] a\\x0ab"));
  CHECK(line[10] == 'T');
}
