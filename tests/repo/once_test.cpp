// What stands in one place of core/ and plugins/ alone, and is used from there: a second copy begins to differ.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

namespace {

namespace fs = std::filesystem;

struct Rule {
  std::regex pattern;
  std::string place;  // where it may be
  std::string instead;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {
      {std::regex(R"('[0aA]' *(&&|\|\|).*[<>]=? *'[9fFzZ]')"), "core/text.h", "is_digit(), is_letter(), hex_value()"},
      {std::regex(R"(\bstrn?casecmp\b|\bstd::(tolower|toupper|isalnum|isalpha|isdigit|isspace|isprint|isxdigit)\b)"),
       "core/text.h", "equal_without_case(), to_lower(), is_letter_or_digit()"},
      {std::regex(R"(find_first_not_of\("0123456789"\) *(==|!=) *std::string)"), "core/text.h", "is_decimal()"},
      {std::regex(R"(\{249, *"TKEY"|case (dns::)?Type::minfo\b)"), "core/dns/record_types.cpp",
       "the table of record types"},
      {std::regex(R"(\bfsync\()"), "core/new_file.cpp", "NewFile, write_whole_file()"},
  };
  return kRules;
}

// "FILE:LINE: what to use" for each line of `text` that has a copy.
std::vector<std::string> copies(const std::string& file, std::istream& text) {
  std::vector<std::string> found;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    for (const Rule& rule : rules()) {
      if (file == rule.place || !std::regex_search(line, rule.pattern)) continue;
      found.push_back(file + ":" + std::to_string(number) + ": " + rule.place + " has it: " + rule.instead);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("what stands in one place has no copy") {
  for (const char* const top : {"core", "plugins"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string file = entry.path().string();
      if ((!file.ends_with(".h") && !file.ends_with(".cpp")) || file.ends_with("_test.cpp")) continue;
      std::ifstream text(file);
      for (const std::string& copy : copies(file, text)) FAIL_CHECK(copy);
    }
  }
}

TEST_CASE("a copy is found") {
  for (const char* const line :
       {"bool is_digit(char c) { return c >= '0' && c <= '9'; }", "if (c < 'A' || c > 'Z') return;",
        "return strcasecmp(a, b) == 0;", "std::tolower(c)", "case Type::minfo:", "fsync(file.get())",
        "if (text.find_first_not_of(\"0123456789\") == std::string_view::npos) return;"}) {
    INFO(line);
    std::istringstream text(line);
    CHECK(copies("core/a.cpp", text).size() == 1);
    text = std::istringstream(line);
    const std::string_view is = line;
    CHECK(copies("core/text.h", text).empty() == (!is.contains("minfo") && !is.contains("fsync")));
  }
}
