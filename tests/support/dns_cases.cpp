#include "tests/support/dns_cases.h"

#include <fmt/format.h>
#include <ldns/ldns.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace swage::tests {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr const char* kKeys[] = {"it",     "for",       "query",       "queries", "raw",   "flags",     "edns",
                                 "over",   "silent",    "header-only", "rcode",   "aa",    "truncated", "max-size",
                                 "answer", "authority", "additional",  "may-add", "exact", "options"};

[[noreturn]] void reject(const YAML::Node& node, const std::string& text) {
  throw std::runtime_error(fmt::format("line {}: {}", node.Mark().line + 1, text));
}

// $name and $1 replaced by their values.
std::string filled(const std::string& text, const Variables& variables) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      result += text[at++];
      continue;
    }
    std::size_t end = at + 1;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    const auto found = variables.find(text.substr(at + 1, end - at - 1));
    if (found == variables.end()) throw std::runtime_error("no such variable: " + text.substr(at, end - at));
    result += filled(found->second, variables);
    at = end;
  }
  return result;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

// A list, or one value as a list of one.
std::vector<std::string> texts(const YAML::Node& node, const Variables& variables) {
  std::vector<std::string> result;
  if (node.IsScalar()) return {filled(node.as<std::string>(), variables)};
  for (const YAML::Node& each : node) result.push_back(filled(each.as<std::string>(), variables));
  return result;
}

// A record as decode() writes it.
std::string canonical(const std::string& text) {
  ldns_rr* record = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&record, text.c_str(), 0, nullptr, nullptr);
  if (status != LDNS_STATUS_OK) throw std::runtime_error(text + ": " + ldns_get_errorstr_by_id(status));
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  ldns_rr2wire(&wire, record, LDNS_SECTION_ANSWER, &size);
  Packet packet = from_hex("0000 8000 0000 0001 0000 0000");
  packet.insert(packet.end(), wire, wire + size);
  std::free(wire);
  ldns_rr_free(record);
  const Result<Decoded> decoded = decode(packet);
  if (!decoded) throw std::runtime_error(text + ": " + decoded.error().text());
  return decoded->answer.at(0);
}

std::vector<std::string> records(const YAML::Node& node, const Variables& variables) {
  std::vector<std::string> result;
  for (const std::string& text : texts(node, variables)) result.push_back(canonical(text));
  return result;
}

std::optional<std::vector<std::string>> section(const YAML::Node& node, const Variables& variables) {
  if (!node) return std::vector<std::string>();
  if (node.IsScalar() && node.as<std::string>() == "any") return std::nullopt;
  return records(node, variables);
}

std::uint16_t flag(const std::string& name) {
  static const std::map<std::string, std::uint16_t> flags = {{"qr", kQr}, {"aa", kAa}, {"tc", kTc}, {"rd", kRd},
                                                             {"ra", kRa}, {"z", kZ},   {"ad", kAd}, {"cd", kCd}};
  static const std::map<std::string, unsigned> opcodes = {{"iquery", 1}, {"status", 2}, {"notify", 4}, {"update", 5}};
  if (const auto found = flags.find(name); found != flags.end()) return found->second;
  return static_cast<std::uint16_t>(opcodes.at(name) << 11);
}

std::string option_data(const std::string& text) {
  if (!text.starts_with("0x")) return text;
  return std::string(as_text(from_hex(text.substr(2))));
}

std::map<std::uint16_t, std::string> options(const YAML::Node& node, const Variables& variables) {
  std::map<std::uint16_t, std::string> result;
  for (const auto& each : node) {
    result[each.first.as<std::uint16_t>()] = option_data(filled(each.second.as<std::string>(), variables));
  }
  return result;
}

// The value of a key, or `otherwise` where there is none.
std::string value(const YAML::Node& node, const char* key, const Variables& variables, const std::string& otherwise) {
  return node[key] ? filled(node[key].as<std::string>(), variables) : otherwise;
}

// {size: 1232, do: true, version: 0, options: {3: text}}
Opt edns(const YAML::Node& node, const Variables& variables) {
  Opt opt;
  opt.udp_size = static_cast<std::uint16_t>(std::stoul(value(node, "size", variables, "1232")));
  opt.version = static_cast<std::uint8_t>(std::stoul(value(node, "version", variables, "0")));
  if (value(node, "do", variables, "false") == "true") opt.flags |= kDnssecOk;
  if (node["options"]) {
    for (const auto& [code, data] : options(node["options"], variables)) opt.options.push_back({code, data});
  }
  return opt;
}

// "[www.example.org.]" is a name in wire format, "61*20" a byte 20 times, all else hexadecimal digits.
Packet raw(const std::string& text) {
  Packet packet;
  for (const std::string& word : words(text)) {
    Packet part;
    if (word.front() == '[') {
      part = wire_name(word.substr(1, word.size() - 2));
    } else if (const std::size_t star = word.find('*'); star != std::string::npos) {
      part.assign(std::stoul(word.substr(star + 1)), from_hex(word.substr(0, star)).at(0));
    } else {
      part = from_hex(word);
    }
    packet.insert(packet.end(), part.begin(), part.end());
  }
  return packet;
}

Expectation expectation(const YAML::Node& node, const Variables& variables) {
  Expectation result;
  result.silent = node["silent"].as<bool>(false);
  result.header_opt = value(node, "header-only", variables, "false") == "opt";
  result.header_only = result.header_opt || node["header-only"].as<bool>(false);
  result.rcodes = node["rcode"] ? texts(node["rcode"], variables) : std::vector<std::string>{"NOERROR"};
  if (!node["aa"]) {
    result.aa =
        result.rcodes == std::vector<std::string>{"NOERROR"} || result.rcodes == std::vector<std::string>{"NXDOMAIN"};
  } else if (node["aa"].as<std::string>() != "any") {
    result.aa = node["aa"].as<bool>();
  }
  result.truncated = node["truncated"].as<bool>(false);
  result.max_size = std::stoul(value(node, "max-size", variables, "0"));
  result.answer = section(node["answer"], variables);
  result.authority = section(node["authority"], variables);
  result.additional = section(node["additional"], variables);
  if (node["may-add"]) result.may_add = records(node["may-add"], variables);
  result.exact = node["exact"].as<bool>(false);
  if (node["options"]) result.options = options(node["options"], variables);
  return result;
}

class File {
 public:
  explicit File(const std::string& path) : name_(std::filesystem::path(path).filename()) {
    const YAML::Node root = YAML::LoadFile(path);
    if (root["variables"]) variables_ = root["variables"].as<Variables>();
    for (const YAML::Node& node : root["cases"]) {
      try {
        read(node);
      } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("{}:{}: {}", path, node.Mark().line + 1, error.what()));
      }
    }
  }

  std::vector<Case> cases;

 private:
  // Once for each row of "for", whose values are $1, $2, …
  void read(const YAML::Node& node) {
    for (const auto& each : node) {
      const auto key = each.first.as<std::string>();
      if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) reject(each.first, "key " + key);
    }
    if (!node["for"]) return add(node, variables_);
    for (const YAML::Node& row : node["for"]) {
      Variables variables = variables_;
      const std::vector<std::string> values = texts(row, variables_);
      for (std::size_t at = 0; at < values.size(); ++at) variables[std::to_string(at + 1)] = values[at];
      add(node, variables);
    }
  }

  void add(const YAML::Node& node, const Variables& variables) {
    if (node["raw"]) {
      const auto text = value(node, "raw", variables, "");
      Case made = start(node, variables, text.size() > 80 ? text.substr(0, 80) + "…" : text);
      made.packet = raw(text);
      cases.push_back(made);
      return;
    }
    for (const std::string& query : texts(node["query"] ? node["query"] : node["queries"], variables)) {
      Case made = start(node, variables, query);
      made.question = question(node, variables, words(query));
      made.packet = encode(*made.question);
      cases.push_back(made);
    }
  }

  // "NAME [CLASS] TYPE"
  static Question question(const YAML::Node& node, const Variables& variables, const std::vector<std::string>& fields) {
    if (fields.size() < 2 || fields.size() > 3) reject(node, "a query is: NAME [CLASS] TYPE");
    Question question{.name = fields[0], .type = fields.back()};
    if (fields.size() == 3) question.rclass = fields[1];
    for (const std::string& name : words(value(node, "flags", variables, ""))) question.flags |= flag(name);
    if (node["edns"]) question.opt = edns(node["edns"], variables);
    return question;
  }

  Case start(const YAML::Node& node, const Variables& variables, const std::string& query) const {
    Case made;
    made.title = fmt::format("{}:{}: {} ({})", name_, node.Mark().line + 1, value(node, "it", variables, "?"), query);
    made.expectation = expectation(node, variables);
    const auto over = node["over"].as<std::string>("udp tcp");
    made.udp = over.find("udp") != std::string::npos;
    made.tcp = over.find("tcp") != std::string::npos;
    return made;
  }

  std::string name_;
  Variables variables_;
};

}  // namespace

std::vector<Case> read_cases(const std::string& path) { return File(path).cases; }

}  // namespace swage::tests
