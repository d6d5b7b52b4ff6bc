#include "core/config/parser.h"

#include <algorithm>
#include <unordered_map>

#include "core/config/expander.h"
#include "core/config/nearest.h"
#include "core/config/p2p_forge.h"

namespace swage::config {
namespace {

constexpr std::string_view kLonelyClose = "'}' must be on a line of its own";

// Descends over the expanded tokens, whose braces match.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<std::vector<ServerBlock>> run() {
    std::vector<ServerBlock> blocks;
    while (!at_end()) {
      TRY(auto block, server_block());
      blocks.push_back(std::move(block));
    }
    return blocks;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == tokens_.size(); }
  [[nodiscard]] const Token& token() const { return tokens_[at_]; }
  // REQUIRES: at_ > 0
  [[nodiscard]] const Token& previous() const { return tokens_[at_ - 1]; }

  Result<ServerBlock> server_block() {
    ServerBlock block;
    TRY(keys(block));
    const bool braces = !at_end() && token().is_open();
    if (braces) ++at_;
    std::unordered_map<std::string, std::size_t> places;  // in block.directives, by name
    while (!at_end() && !token().is_close()) {
      const auto [place, is_new] = places.try_emplace(token().text, block.directives.size());
      if (is_new) block.directives.push_back({token(), {}});
      TRY(directive(block.directives[place->second].tokens));
    }
    if (braces) {
      CHECK(!at_end());  // the lexer has matched the braces
      TRY(check_brace());
      ++at_;
    }
    return block;
  }

  // Keys go on to the end of the line, and behind a comma on the next.
  Result<> keys(ServerBlock& block) {
    const Token& first = token();
    bool comma = false;
    for (bool more = true; more && !token().is_open();) {
      CHECK(!token().is_close());
      TRY(split_key(block));
      comma = token().text.ends_with(',');
      ++at_;
      more = !at_end() && (comma || !token().starts_line);
    }
    if (comma) return std::unexpected(previous().error("expected another zone after ','"));
    if (block.keys.empty())
      return std::unexpected(first.error("expected a zone, such as example.org, before the block"));
    return {};
  }

  // Adds the current token to the keys; "a.example,b.example" is two, and an empty variable is none.
  Result<> split_key(ServerBlock& block) {
    std::string_view rest = token().text;
    if (rest.starts_with(',') && block.keys.empty())
      return std::unexpected(token().error("expected a zone before ','"));
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (end > 0) {
        auto key = parse_key(rest.substr(0, end));
        if (!key) return std::unexpected(token().error(key.error().text()));
        key->token = token();
        block.keys.push_back(*std::move(key));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
  }

  // Moves a directive, its name, arguments and block, to the end of `to`.
  Result<> directive(std::vector<Token>& to) {
    if (token().is_open()) return std::unexpected(token().error("expected a directive before '{'"));
    to.push_back(tokens_[at_++]);
    unsigned open = 0;
    while (!at_end() && (open > 0 || !token().starts_line || token().is_open())) {
      if (token().is_close() && open == 0) return std::unexpected(token().error(kLonelyClose));
      TRY(check_brace());
      if (token().is_open()) ++open;
      const bool ends = token().is_close() && --open == 0;
      to.push_back(tokens_[at_++]);
      if (ends) return end_of_line();
    }
    return {};
  }

  // As in CoreDNS, '{' ends a line and '}' is one; but "{ }" may stand together.
  Result<> check_brace() {
    if (token().is_open() && token().starts_line) {
      return std::unexpected(token().error("'{' must be on the line of what it opens"));
    }
    if (token().is_close() && !token().starts_line && !previous().is_open()) {
      return std::unexpected(token().error(kLonelyClose));
    }
    return {};
  }

  Result<> end_of_line() {
    if (at_end() || token().starts_line || token().is_close()) return {};
    return std::unexpected(token().error(fmt::format("expected a new line after '}}', not '{}'", token().text)));
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<ServerBlock>> parse(Sources& sources, const std::string& path) {
  TRY(auto tokens, expand(sources, path));
  TRY(auto blocks, Parser(std::move(tokens)).run());
  for (ServerBlock& block : blocks) TRY(translate_p2p_forge(block, sources));
  return blocks;
}

Result<> check_directives(std::span<const ServerBlock> blocks, std::span<const std::string_view> known) {
  for (const ServerBlock& block : blocks) {
    for (const Directive& directive : block.directives) {
      const std::string& name = directive.name.text;
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return std::unexpected(
          directive.name.error(fmt::format("unknown directive '{}'{}", name, did_you_mean(name, known))));
    }
  }
  return {};
}

}  // namespace swage::config
