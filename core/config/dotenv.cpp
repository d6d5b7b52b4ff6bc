#include "core/config/dotenv.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/config/sources.h"
#include "core/text.h"

namespace swage::config {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; }
bool is_upper_name(char c) { return is_upper(c) || is_digit(c) || c == '_'; }
bool is_name(char c) { return is_letter_or_digit(c) || c == '_' || c == '.'; }

// Reads one file; run() is called once.
class Reader {
 public:
  Reader(std::string_view text, const std::string& file, const Environment& environment)
      : rest_(text), file_(file), environment_(environment) {}

  Result<std::map<std::string, std::string>> run() {
    for (skip_to_statement(); !rest_.empty(); skip_to_statement()) {
      TRY(const std::string variable, name());
      TRY(variables_[variable], value());
    }
    return std::move(variables_);
  }

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return std::unexpected(Error::at(file_, line_, what));
  }

  void skip(std::size_t size) {
    line_ += static_cast<unsigned>(std::ranges::count(rest_.substr(0, size), '\n'));
    rest_.remove_prefix(size);
  }
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  void skip_to_statement() {
    for (;; skip(1)) {
      skip_blanks();
      if (!rest_.empty() && rest_.front() == '#') rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      if (rest_.empty() || rest_.front() != '\n') return;
    }
  }

  Result<std::string> name() {
    constexpr std::string_view kExport = "export";
    if (rest_.starts_with(kExport) && rest_.size() > kExport.size() && is_blank(rest_[kExport.size()])) {
      rest_.remove_prefix(kExport.size());
      skip_blanks();
    }
    const auto size = static_cast<std::size_t>(std::ranges::find_if_not(rest_, is_name) - rest_.begin());
    std::string name(rest_.substr(0, size));
    rest_.remove_prefix(size);
    skip_blanks();
    if (name.empty() || rest_.empty() || (rest_.front() != '=' && rest_.front() != ':')) {
      return wrong("expected NAME=VALUE");
    }
    rest_.remove_prefix(1);
    skip_blanks();
    return name;
  }

  Result<std::string> value() {
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return expanded(plain());
    const char quote = rest_.front();
    std::size_t end = rest_.find(quote, 1);
    while (end != std::string_view::npos && rest_[end - 1] == '\\') end = rest_.find(quote, end + 1);
    if (end == std::string_view::npos) return wrong("the quote is never closed");
    const std::string_view text = rest_.substr(1, end - 1);
    skip(end + 1);
    return quote == '\'' ? std::string(text) : expanded(unescaped(text));
  }

  std::string_view plain() {
    std::string_view text = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(text.size());
    std::size_t end = text.size();
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (text[at] == '#' && is_blank(text[at - 1])) end = at;
    }
    text = text.substr(0, end);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
  }

  // "\$" is left for expanded().
  static std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '\\' || at + 1 == text.size() || text[at + 1] == '$') {
        out += text[at];
        continue;
      }
      const char c = text[++at];
      out += c == 'n' ? '\n' : c == 'r' ? '\r' : c;
    }
    return out;
  }

  [[nodiscard]] std::string expanded(std::string_view text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '$') {
        out += '$';
        at += 2;
        continue;
      }
      const bool braced = text.substr(at).starts_with("${");
      const std::size_t begin = at + (braced ? 2 : 1);
      std::size_t end = begin;
      while (text[at] == '$' && end < text.size() && is_upper_name(text[end])) ++end;
      if (end == begin) {
        out += text[at++];
        continue;
      }
      out += value_of(std::string(text.substr(begin, end - begin)));
      at = end + (braced && end < text.size() && text[end] == '}' ? 1 : 0);
    }
    return out;
  }

  [[nodiscard]] std::string value_of(const std::string& name) const {
    const auto known = variables_.find(name);
    return known != variables_.end() ? known->second : environment_(name).value_or("");
  }

  std::string_view rest_;
  const std::string& file_;
  const Environment& environment_;
  unsigned line_ = 1;
  std::map<std::string, std::string> variables_;
};

std::optional<std::string> of_process(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text, const std::string& file,
                                                        const Environment& environment) {
  if (text.find('\0') != std::string_view::npos) return fail("{}: a NUL byte; expected a text file", file);
  return Reader(text, file, environment).run();
}

Result<bool> load_dotenv(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return false;
  Sources disk = Sources::from_disk();
  TRY(const std::string_view text, disk.read(path));
  TRY(const auto variables, parse_dotenv(text, path, of_process));
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 0);
  return true;
}

}  // namespace swage::config
