#include "core/config/parser.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "core/config/coredns.h"
#include "core/config/expander.h"
#include "core/config/nearest.h"

namespace swage::config {
namespace {

// Descends over the expanded tokens, whose braces match. An error is told once, and what is beside it is read.
class Parser {
 public:
  Parser(std::vector<Token> tokens, Errors& errors) : tokens_(std::move(tokens)), errors_(errors) {}

  std::vector<ServerBlock> run() {
    std::vector<ServerBlock> blocks;
    while (!at_end()) {
      if (is_lost_import()) {
        ++at_;
      } else if (is_plugin_line()) {
        plugin_line();
      } else {
        blocks.push_back(server_block());
      }
    }
    return blocks;
  }

  // After run(): the paths of its plugin lines.
  std::vector<Token> take_plugins() { return std::move(plugins_); }

 private:
  [[nodiscard]] bool at_end() const { return at_ == tokens_.size(); }
  [[nodiscard]] const Token& token() const { return tokens_[at_]; }
  // REQUIRES: at_ > 0
  [[nodiscard]] const Token& previous() const { return tokens_[at_ - 1]; }

  // An import between server blocks that failed: of snippets or server blocks, more probably than of keys.
  [[nodiscard]] bool is_lost_import() const {
    if (!token().broken || !token().text.empty()) return false;
    return at_ + 1 == tokens_.size() || (tokens_[at_ + 1].starts_line && !tokens_[at_ + 1].is_open());
  }

  // "plugin PATH" where no block follows: keys of a server block have one, or go on after a comma.
  [[nodiscard]] bool is_plugin_line() const {
    if (token().text != "plugin" || token().literal) return false;
    std::size_t end = at_ + 1;
    while (end < tokens_.size() && !tokens_[end].starts_line && !tokens_[end].is_open()) ++end;
    return (end == tokens_.size() || !tokens_[end].is_open()) && !tokens_[end - 1].text.ends_with(',');
  }

  void plugin_line() {
    const Token& keyword = tokens_[at_++];
    const std::size_t first = at_;
    while (!at_end() && !token().starts_line) ++at_;
    if (first == at_) {
      errors_.add(keyword.error("plugin: expected the path of a plugin; a zone of that name is written 'plugin.'"));
    } else if (at_ - first > 1) {
      errors_.add(tokens_[first + 1].error(
          fmt::format("plugin: unexpected '{}'; expected the end of the line", tokens_[first + 1].text)));
    } else if (!tokens_[first].broken) {
      plugins_.push_back(tokens_[first]);
    }
  }

  ServerBlock server_block() {
    ServerBlock block;
    keys(block);
    const bool braces = !at_end() && token().is_open();
    if (braces) ++at_;
    std::unordered_map<std::string, std::size_t> places;  // in block.directives, by name
    while (!at_end() && !token().is_close()) {
      if (token().broken || token().is_open()) {
        skip_directive(block);
        continue;
      }
      const auto [place, is_new] = places.try_emplace(token().text, block.directives.size());
      if (is_new) block.directives.push_back({token(), {}});
      directive(block.directives[place->second].tokens);
    }
    if (braces) {
      CHECK(!at_end());  // the lexer has matched the braces
      check_brace();
      ++at_;
    }
    return block;
  }

  // Keys go on to the end of the line, and after a comma on the next.
  void keys(ServerBlock& block) {
    const Token& first = token();
    bool comma = false;
    for (bool more = true; more && !token().is_open();) {
      CHECK(!token().is_close());
      split_key(block);
      comma = token().text.ends_with(',');
      ++at_;
      more = !at_end() && (comma || !token().starts_line);
    }
    if (block.incomplete) return;
    if (comma) {
      errors_.add(previous().error("expected another zone after ','"));
    } else if (block.keys.empty()) {
      errors_.add(first.error("expected a zone, such as example.org, before the block"));
    }
    block.incomplete = comma || block.keys.empty();
  }

  // Adds the current token to the keys; "a.example,b.example" is two, and an empty variable is none.
  void split_key(ServerBlock& block) {
    std::string_view rest = token().text;
    block.incomplete = block.incomplete || token().broken;
    if (rest.starts_with(',') && block.keys.empty() && !block.incomplete) {
      errors_.add(token().error("expected a zone before ','"));
      block.incomplete = true;
    }
    bool same_word = false;
    while (!rest.empty() && !token().broken) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (end > 0) {
        auto key = parse_key(rest.substr(0, end));
        if (key) {
          key->token = token();
          key->same_word = std::exchange(same_word, true);
          block.keys.push_back(*std::move(key));
        } else {
          const bool told = block.incomplete && rest.starts_with('(');  // "(a) (b) {" is one error
          if (!told) errors_.add(token().error(key.error().text()));
          block.incomplete = true;
        }
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  // What cannot be a directive: its line and its block.
  void skip_directive(ServerBlock& block) {
    if (token().is_open()) errors_.add(token().error("expected a directive before '{'"));
    block.incomplete = true;
    unsigned open = 0;
    do {
      if (token().is_open()) ++open;
      if (token().is_close()) --open;
      ++at_;
    } while (!at_end() && (open > 0 || !(token().starts_line || token().is_close())));
  }

  // Moves a directive, its name, arguments and block, to the end of `to`.
  void directive(std::vector<Token>& to) {
    to.push_back(tokens_[at_++]);
    unsigned open = 0;
    while (!at_end() && (open > 0 || !token().starts_line || token().is_open())) {
      check_brace();
      if (token().is_close() && open == 0) return;
      if (token().is_open()) ++open;
      const bool ends = token().is_close() && --open == 0;
      to.push_back(tokens_[at_++]);
      if (ends) return end_of_line();
    }
  }

  // As in CoreDNS, '{' ends a line and '}' is one; but "{ }" may stand together.
  void check_brace() {
    if (token().is_open() && token().starts_line) {
      errors_.add(token().error("'{' must be on the line of what it opens"));
    }
    if (token().is_close() && !token().starts_line && !previous().is_open()) {
      errors_.add(token().error("'}' must be on a line of its own"));
    }
  }

  // Skips what follows a block on its line.
  void end_of_line() {
    if (at_end() || token().starts_line || token().is_close()) return;
    errors_.add(token().error(fmt::format("expected a new line after '}}', not '{}'", token().text)));
    unsigned open = 0;
    while (!at_end() && (open > 0 || !(token().starts_line || token().is_close()))) {
      if (token().is_open()) ++open;
      if (token().is_close()) --open;
      ++at_;
    }
  }

  std::vector<Token> tokens_;
  Errors& errors_;
  std::size_t at_ = 0;
  std::vector<Token> plugins_;
};

// What a directive that is CoreDNS's alone is told.
std::string hint(const Absent& absent, std::string_view what) {
  return fmt::format("{}: {} (docs/coredns.md)", what, absent.hint);
}

}  // namespace

std::vector<ServerBlock> parse(Sources& sources, const std::string& path, Errors& errors, Translations translations) {
  std::vector<ServerBlock> blocks = Parser(expand(sources, path, errors), errors).run();
  for (ServerBlock& block : blocks) {
    for (const Translation translate : translations) translate(block, sources, errors);
  }
  return blocks;
}

Result<std::vector<ServerBlock>> parse(Sources& sources, const std::string& path, Translations translations) {
  Errors errors;
  auto blocks = parse(sources, path, errors, translations);
  if (!errors.empty()) return std::unexpected(errors.joined());
  return blocks;
}

std::vector<Token> plugin_paths(Sources& sources, const std::string& path) {
  Errors told_by_parse;
  Parser parser(expand(sources, path, told_by_parse), told_by_parse);
  static_cast<void>(parser.run());
  return parser.take_plugins();
}

Error unknown_directive(const Token& name, std::span<const std::string_view> known) {
  const std::string what = fmt::format("unknown directive '{}'", name.text);
  if (const Absent* const absent = find_absent(name.text)) {
    return name.error(hint(*absent, what + " (it is CoreDNS's; swage does not have it)"));
  }
  if (name.text == "plugin") return name.error(what + ": 'plugin PATH' stands outside of server blocks, above them");
  const std::string near = did_you_mean(name.text, known);
  if (!near.empty()) return name.error(what + near);
  std::vector<std::string_view> others;
  for (const Absent& each : absent_directives()) others.push_back(each.directive);
  const auto other = nearest(name.text, others);
  if (!other) return name.error(what);
  const std::string guess = fmt::format("{}; CoreDNS's '{}' perhaps, which swage does not have", what, *other);
  return name.error(hint(*find_absent(*other), guess));
}

}  // namespace swage::config
