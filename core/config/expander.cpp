#include "core/config/expander.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>

#include <fmt/format.h>

#include "core/config/lexer.h"
#include "core/config/nearest.h"
#include "core/config/substitute.h"

namespace swage::config {
namespace {

struct Snippet {
  Token name;
  std::vector<Token> body;  // without the braces around it, nothing substituted
};

// An import that is being expanded; the outermost frame is the Corefile itself.
struct Frame {
  const Frame* outer = nullptr;
  std::string name;           // "(snippet)" or the path of a file
  const Token* at = nullptr;  // the word "import"; nullptr for the Corefile
  const Arguments* arguments = nullptr;
  unsigned depth = 0;
};

// "(a) at Corefile:7 → (b) at Corefile:2"
std::string chain(const Frame& frame) {
  if (frame.at == nullptr) return "";
  const std::string outer = frame.outer == nullptr ? "" : chain(*frame.outer);
  return fmt::format("{}{}{} at {}:{}", outer, outer.empty() ? "" : " → ", frame.name, frame.at->file, frame.at->line);
}

std::string beside(const std::string& file, const std::string& target) {
  return (std::filesystem::path(file).parent_path() / target).lexically_normal().string();
}

bool is_import(std::span<const Token> tokens, std::size_t at) {
  const Token& token = tokens[at];
  return !token.literal && token.text == "import" && (token.starts_line || at == 0 || tokens[at - 1].is_open());
}

bool is_snippet(std::span<const Token> tokens, std::size_t at) {
  const Token& token = tokens[at];
  return !token.literal && token.starts_line && token.text.size() > 2 && token.text.starts_with('(') &&
         token.text.ends_with(')') && at + 1 < tokens.size() && tokens[at + 1].is_open();
}

// One expansion; run() is called once. An Error that a function returns ends it: a limit was passed.
class Expander {
 public:
  Expander(Sources& sources, Errors& errors) : sources_(sources), errors_(errors) {}

  Result<std::vector<Token>> run(const std::string& path) {
    errors_.know_file(path);
    TRY(const std::string_view text, sources_.read(path));
    TRY(const std::vector<Token> tokens, lex(text, path));
    Frame frame;
    frame.name = std::filesystem::path(path).lexically_normal().string();
    TRY(expand(tokens, frame));
    return std::move(out_);
  }

 private:
  Result<> expand(std::span<const Token> tokens, const Frame& frame) {
    for (std::size_t at = 0; at < tokens.size();) {
      if (is_import(tokens, at)) {
        TRY(at, import(tokens, at, frame));
      } else if (open_ == 0 && is_snippet(tokens, at)) {
        at = define(tokens, at);
      } else {
        TRY(put(tokens[at++], frame));
      }
    }
    return {};
  }

  // Keeps the snippet at `at` and returns what follows it.
  std::size_t define(std::span<const Token> tokens, std::size_t at) {
    const Token& name = tokens[at];
    std::size_t end = at + 2;
    for (unsigned open = 1; end < tokens.size(); ++end) {
      if (tokens[end].is_open()) ++open;
      if (tokens[end].is_close() && --open == 0) break;
    }
    CHECK(end < tokens.size());  // the lexer has matched the braces
    const std::string key = name.text.substr(1, name.text.size() - 2);
    Snippet snippet{
        name,
        {tokens.begin() + static_cast<std::ptrdiff_t>(at) + 2, tokens.begin() + static_cast<std::ptrdiff_t>(end)}};
    const auto [entry, is_new] = snippets_.try_emplace(key, std::move(snippet));
    if (!is_new) {
      const Token& first = entry->second.name;
      errors_.add(name.error(fmt::format("snippet '{}' is already defined at {}:{}", key, first.file, first.line)));
    }
    return end + 1;
  }

  // Expands the import at `at` and returns what follows its line.
  Result<std::size_t> import(std::span<const Token> tokens, std::size_t at, const Frame& outer) {
    const Token& keyword = tokens[at];
    Arguments arguments;  // first the target
    for (++at; at < tokens.size() && !tokens[at].starts_line && !tokens[at].is_close(); ++at) {
      if (tokens[at].is_open()) {
        TRY(fail_import(keyword, tokens[at].error("'import' takes no block"), outer));
        return after_block(tokens, at);
      }
      TRY(append(tokens[at], outer, arguments));
    }
    if (at < tokens.size() && tokens[at].is_close() && !tokens[at].starts_line) {
      errors_.add(tokens[at].error("'}' must be on a line of its own"));
    }
    if (std::ranges::any_of(arguments, &Token::broken)) {
      TRY(put_broken(keyword, outer));
      return at;
    }
    if (arguments.empty() || arguments.front().text.empty()) {
      TRY(fail_import(keyword, keyword.error("'import' expects a snippet, a file or a pattern"), outer));
      return at;
    }
    TRY(import_target(std::move(arguments), keyword, outer));
    return at;
  }

  // The first of `arguments` is the target.
  Result<> import_target(Arguments arguments, const Token& keyword, const Frame& outer) {
    const std::string target = std::move(arguments.front().text);
    arguments.erase(arguments.begin());
    Frame frame{&outer, {}, &keyword, &arguments, outer.depth + 1};
    if (const auto snippet = snippets_.find(target); snippet != snippets_.end()) {
      frame.name = "(" + target + ")";
      TRY(enter(snippet->second.body, frame));
    } else if (target.find_first_of("*?[") != std::string::npos) {
      TRY(import_matches(beside(keyword.file, target), frame));
    } else {
      frame.name = beside(keyword.file, target);
      TRY(import_file(target, frame));
    }
    return {};
  }

  // What follows the block that opens at `at`.
  static std::size_t after_block(std::span<const Token> tokens, std::size_t at) {
    unsigned open = 0;
    do {
      if (tokens[at].is_open()) ++open;
      if (tokens[at].is_close()) --open;
      ++at;
    } while (open > 0 && at < tokens.size());
    return at;
  }

  // In the place of the import `at`.
  Result<> fail_import(const Token& at, const Error& why, const Frame& outer) {
    errors_.add(why);
    return put_broken(at, outer);
  }

  Result<> put_broken(const Token& at, const Frame& outer) {
    Token broken{"", at.file, at.line, true, true, true};
    return put(broken, outer);
  }

  Result<> import_matches(const std::string& pattern, Frame& frame) {
    const auto matches = sources_.glob(pattern);
    if (!matches) return fail_import(*frame.at, frame.at->error("import " + matches.error().text()), *frame.outer);
    if (matches->empty()) sources_.warn(frame.at->error(fmt::format("import '{}' matches no file", pattern)));
    for (const std::string& path : *matches) {
      frame.name = path;
      TRY(import_file(path, frame));
    }
    return {};
  }

  // `written`: how the Corefile says it, for the error.
  Result<> import_file(const std::string& written, const Frame& frame) {
    auto file = files_.find(frame.name);
    if (file == files_.end()) {
      const auto text = sources_.read(frame.name);
      if (!text) {
        if (lost_snippets_ && written.find_first_of("./") == std::string::npos)
          return put_broken(*frame.at, *frame.outer);
        lost_snippets_ = lost_snippets_ || open_ == 0;
        return fail_import(*frame.at, frame.at->error(no_such_import(written, text.error())), *frame.outer);
      }
      errors_.know_file(frame.name);
      auto tokens = lex(*text, frame.name);
      if (!tokens) return fail_import(*frame.at, tokens.error(), *frame.outer);
      file = files_.emplace(frame.name, *std::move(tokens)).first;
    }
    return enter(file->second, frame);
  }

  [[nodiscard]] std::string no_such_import(const std::string& written, const Error& why) const {
    std::vector<std::string_view> names;
    for (const auto& [name, snippet] : snippets_) names.push_back(name);
    return fmt::format("import '{}': no such snippet, and as a file: {}{}", written, why.text(),
                       did_you_mean(written, names));
  }

  Result<> enter(std::span<const Token> tokens, const Frame& frame) {
    for (const Frame* outer = frame.outer; outer != nullptr; outer = outer->outer) {
      if (outer->name == frame.name) {
        const Error why = frame.at->error(fmt::format("{} imports itself: {}", frame.name, chain(frame)));
        return fail_import(*frame.at, why, *frame.outer);
      }
    }
    if (frame.depth > kMaxImportDepth) {
      return std::unexpected(
          frame.at->error(fmt::format("imports are more than {} deep: {}", kMaxImportDepth, chain(frame))));
    }
    if (++imports_ > kMaxImports) {
      return std::unexpected(frame.at->error(fmt::format("more than {} imports: {}", kMaxImports, chain(frame))));
    }
    at_line_start_ = true;
    return expand(tokens, frame);
  }

  // Puts a token, with its values, at the end of the output.
  Result<> put(const Token& token, const Frame& frame) {
    const std::size_t before = out_.size();
    TRY(append(token, frame, out_));
    if (out_.size() == before) {  // {args[:]} without arguments: what follows takes its place
      at_line_start_ |= token.starts_line;
      return {};
    }
    out_[before].starts_line |= std::exchange(at_line_start_, false);
    if (token.is_open()) ++open_;
    if (token.is_close()) --open_;
    return {};
  }

  // Appends to `to` what `token` becomes: mostly one token, but any number for {args[:]}.
  Result<> append(const Token& token, const Frame& frame, std::vector<Token>& to) {
    if (frame.arguments != nullptr && !token.literal) {
      if (const auto range = argument_range(token.text, *frame.arguments)) {
        for (std::size_t at = range->begin; at < range->end; ++at) {
          Token copy{(*frame.arguments)[at].text, token.file, token.line, true,
                     token.starts_line && at == range->begin};
          copy.unset = (*frame.arguments)[at].unset;
          TRY(count(copy, frame));
          to.push_back(std::move(copy));
        }
        return {};
      }
    }
    Token copy = token;
    if (token.text.size() > 1 && token.text.find('{') != std::string::npos) {
      auto text = substitute(token.text, sources_, frame.arguments);
      if (text) {
        copy.literal |= text->text != token.text;
        copy.text = std::move(text->text);
        copy.unset = std::move(text->unset);
      } else {
        errors_.add(token.error(text.error().text() + imported_by(frame)));
        copy.broken = copy.literal = true;
      }
    }
    TRY(count(copy, frame));
    to.push_back(std::move(copy));
    return {};
  }

  Result<> count(const Token& token, const Frame& frame) {
    bytes_ += token.text.size();
    if (++tokens_ <= kMaxTokens && bytes_ <= kMaxTokenBytes) return {};
    return std::unexpected(token.error(fmt::format("the Corefile grows beyond {} words or {} bytes{}", kMaxTokens,
                                                   kMaxTokenBytes, imported_by(frame))));
  }

  static std::string imported_by(const Frame& frame) { return frame.at == nullptr ? "" : ": " + chain(frame); }

  Sources& sources_;
  Errors& errors_;
  std::map<std::string, Snippet> snippets_;          // nodes stay where they are while they are expanded
  std::map<std::string, std::vector<Token>> files_;  // what was lexed, by path
  std::vector<Token> out_;
  bool lost_snippets_ = false;  // a failed import may have defined the missing one
  unsigned open_ = 0;           // braces that are open in out_
  bool at_line_start_ = false;  // the next token starts a line, wherever it was written
  std::size_t tokens_ = 0;
  std::size_t bytes_ = 0;
  std::size_t imports_ = 0;
};

}  // namespace

std::vector<Token> expand(Sources& sources, const std::string& path, Errors& errors) {
  auto tokens = Expander(sources, errors).run(path);
  if (tokens) return *std::move(tokens);
  errors.add(tokens.error());
  return {};
}

}  // namespace swage::config
