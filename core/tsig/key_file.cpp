#include "core/text.h"
#include "core/tsig/key.h"

namespace swage::tsig {
namespace {

// The words of a file in the form of BIND's: quoted or not, and the characters '{', '}' and ';'.
class Words {
 public:
  Words(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  // Empty at the end of the file. A quoted word may be empty, too: see was_quoted().
  Result<std::string_view> next() {
    TRY(skip());
    quoted_ = false;
    if (at_ == text_.size()) return std::string_view();
    const std::size_t start = at_;
    if (is_sign(text_[at_])) return text_.substr(at_++, 1);
    if (text_[at_] == '"') return quoted();
    while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  [[nodiscard]] bool was_quoted() const { return quoted_; }
  [[nodiscard]] Error error(std::string_view text) const { return Error::at(file_, line_, text); }

  Result<> expect(char sign) {
    TRY(const std::string_view word, next());
    if (!quoted_ && word.size() == 1 && word[0] == sign) return {};
    return std::unexpected(error(formatted("expected '{}'", sign)));  // the word may be a secret
  }

  // A word that is not a sign; `what` for the Error.
  Result<std::string_view> expect_word(std::string_view what) {
    TRY(const std::string_view word, next());
    if (word.empty() || (!quoted_ && is_sign(word[0]))) return std::unexpected(error(formatted("expected {}", what)));
    return word;
  }

 private:
  static bool is_sign(char c) { return c == '{' || c == '}' || c == ';'; }
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool ends_word(char c) { return is_blank(c) || is_sign(c) || c == '"'; }

  Result<std::string_view> quoted() {
    quoted_ = true;
    const std::size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') ++at_;
    if (at_ == text_.size() || text_[at_] == '\n') return std::unexpected(error("a quotation mark is not closed"));
    return text_.substr(start, at_++ - start);
  }

  // Blanks and comments.
  Result<> skip() {
    while (at_ < text_.size()) {
      const std::string_view rest = text_.substr(at_);
      if (rest[0] == '#' || rest.starts_with("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (rest.starts_with("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return std::unexpected(error("a comment is not closed"));
        for (; at_ < end + 2; ++at_) line_ += text_[at_] == '\n' ? 1U : 0U;
      } else if (is_blank(rest[0])) {
        line_ += rest[0] == '\n' ? 1U : 0U;
        ++at_;
      } else {
        break;
      }
    }
    return {};
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  bool quoted_ = false;
};

Result<OwnKey> read_key(Words& words) {
  TRY(const std::string_view name, words.expect_word("the name of a key"));
  TRY(words.expect('{'));
  std::string_view algorithm, secret;
  while (true) {
    TRY(const std::string_view word, words.next());
    if (word == "}") break;
    if (word == "algorithm") {
      TRY(algorithm, words.expect_word("an algorithm"));
    } else if (word == "secret") {
      TRY(secret, words.expect_word("a secret"));
    } else {
      return std::unexpected(words.error("expected 'algorithm', 'secret' or '}' within a key"));
    }
    TRY(words.expect(';'));
  }
  if (secret.empty()) return std::unexpected(words.error(formatted("the key '{}' has no secret", printable(name))));
  Result<OwnKey> key = OwnKey::make(name, algorithm, secret);
  if (!key) return std::unexpected(words.error(key.error().text()));
  return key;
}

}  // namespace

Result<std::vector<OwnKey>> read_key_file(std::string_view text, const std::string& file) {
  Words words(text, file);
  std::vector<OwnKey> keys;
  while (true) {
    TRY(const std::string_view word, words.next());
    if (word.empty() && !words.was_quoted()) return keys;
    if (word == ";") continue;
    if (word != "key") return std::unexpected(words.error("expected 'key NAME { … };'"));
    if (keys.size() == kMostKeys) return std::unexpected(words.error(formatted("more than {} keys", kMostKeys)));
    TRY(OwnKey key, read_key(words));
    keys.push_back(std::move(key));
  }
}

}  // namespace swage::tsig
