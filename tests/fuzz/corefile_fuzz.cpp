// Fuzzes the Corefile language: what is parsed once must parse again from its record, every error must have a line, and
// a setup that walks its tokens must come to an end; written as text, what was parsed must parse as the same. The input
// is the Corefile, and behind each line "==> NAME" a file that it may import.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/config/corefile_text.h"
#include "core/config/dispenser.h"
#include "core/config/parser.h"
#include "core/config/values.h"
#include "core/forge/p2p_forge.h"

namespace {

using namespace swage;

constexpr config::Translation kTranslations[] = {forge::translate_p2p_forge};

// Ends the process, for the fuzzer to see; not CHECK, which is for invariants of the server.
void expect(bool holds) {
  if (!holds) std::abort();
}

config::Sources make_sources(std::string_view input) {
  constexpr std::string_view kMark = "\n==> ";
  config::Sources sources;
  std::string name = "Corefile";
  for (;;) {
    const std::size_t end = std::min(input.find(kMark), input.size());
    sources.add(name, std::string(input.substr(0, end)));
    if (end == input.size()) break;
    input.remove_prefix(end + kMark.size());
    const std::size_t line = std::min(input.find('\n'), input.size());
    name = input.substr(0, line);
    input.remove_prefix(line);
  }
  sources.set_env("A", "value {$A} {args[0]}");
  sources.set_env("BRACE", "{");
  sources.set_env("SWAGE_BROKER_CERT", "chain.pem");
  sources.set_env("SWAGE_BROKER_KEY", "a key.pem");
  return sources;
}

void walk(config::Dispenser& dispenser, std::size_t& steps) {
  const unsigned level = dispenser.nesting();
  while (dispenser.next_block(level)) {
    expect(++steps < 1'000'000);
    (void)dispenser.remaining_args();
    walk(dispenser, steps);
  }
  expect(dispenser.nesting() <= level);
}

void use(const config::Directive& directive) {
  config::Dispenser dispenser(directive.tokens);
  std::size_t steps = 0;
  while (dispenser.next()) {
    expect(dispenser.val() == directive.name.text);
    for (const std::string& argument : dispenser.remaining_args()) {
      (void)config::parse_duration(argument);
      (void)config::parse_size(argument);
      (void)config::parse_ttl(argument);
      (void)config::zones_of(argument);
    }
    walk(dispenser, steps);
  }
  // A setup() that reads a few lines, and leaves the rest.
  config::Dispenser lazy(directive.tokens);
  while (lazy.next()) {
    const Result<> done = lazy.read_lines([&]() -> Result<> {
      expect(++steps < 1'000'000);
      TRY(lazy.expect_duration());
      return lazy.read_block({{"a", [] { return Result<>(); }}});
    });
    expect(done.has_value() || !lazy.errors().empty());
  }
  lazy.finish();
}

bool same(const std::vector<config::ServerBlock>& a, const std::vector<config::ServerBlock>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].keys.size() != b[i].keys.size() || a[i].directives.size() != b[i].directives.size()) return false;
    for (std::size_t k = 0; k < a[i].directives.size(); ++k) {
      if (a[i].directives[k].tokens != b[i].directives[k].tokens) return false;
    }
  }
  return true;
}

// As to_text() says: no Corefile has such a word.
bool is_writable(const config::Token& token) {
  return token.text.find('{') == std::string::npos && token.text.find('\\') == std::string::npos &&
         token.text.find('\0') == std::string::npos;
}

std::string words(const std::vector<config::ServerBlock>& blocks) {
  std::string text;
  for (const config::ServerBlock& block : blocks) {
    for (const config::Key& key : block.keys) {
      text += fmt::format("[{}:{}]", fmt::join(key.zones, ","), key.port.value_or(0));
    }
    for (const config::Directive& directive : block.directives) {
      for (const config::Token& token : directive.tokens) {
        const bool brace = token.is_open() || token.is_close();
        text += fmt::format("{}{}<{}>", token.starts_line || &token == directive.tokens.data() ? "\n" : "",
                            brace ? "!" : "", token.text);
      }
    }
  }
  return text;
}

void write_and_parse(const std::vector<config::ServerBlock>& blocks) {
  for (const config::ServerBlock& block : blocks) {
    for (const config::Key& key : block.keys) {
      if (!is_writable(key.token)) return;
    }
    for (const config::Directive& directive : block.directives) {
      for (const config::Token& token : directive.tokens) {
        if (!token.is_open() && !is_writable(token)) return;
      }
    }
  }
  config::Sources sources;
  sources.add("Corefile", config::to_text(blocks));
  const auto again = config::parse(sources, "Corefile", kTranslations);
  expect(again && words(*again) == words(blocks));
}

bool names_a_line(std::string_view error) {
  for (std::size_t at = error.find(':'); at != std::string_view::npos; at = error.find(':', at + 1)) {
    const std::size_t end = error.find_first_not_of("0123456789", at + 1);
    if (end != std::string_view::npos && end > at + 1 && error.substr(end).starts_with(": ")) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  if (const auto record = config::Sources::deserialize(input)) expect(record->serialize() == input);

  config::Sources sources = make_sources(input);
  auto copy = config::Sources::deserialize(sources.serialize());
  expect(copy && *copy == sources);
  const auto blocks = config::parse(sources, "Corefile", kTranslations);
  const auto again = config::parse(*copy, "Corefile", kTranslations);
  expect(blocks.has_value() == again.has_value());
  if (!blocks) {
    expect(blocks.error().text() == again.error().text() && names_a_line(blocks.error().text()));
    return 0;
  }
  expect(same(*blocks, *again));
  write_and_parse(*blocks);
  for (const config::ServerBlock& block : *blocks) {
    expect(!block.keys.empty());
    for (const config::Directive& directive : block.directives) use(directive);
  }
  return 0;
}
