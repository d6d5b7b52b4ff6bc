// swage in the place of p2p-forge, from the unedited Corefile.local-dev: what each of them answers, and why where that
// is not the same. The table, p2p_forge.yaml, has for each query (over UDP and TCP) and request
//
//   forge:  what p2p-forge answers        rcode NOERROR, aa true, sections empty, no EDNS; status, headers, body
//   swage:  what of it swage does in another way; then `why` names the difference
//
// Records are compared as spelled, in order; what follows from the query (id, QR, opcode, RD, CD, the question) and
// what both never set (TC, RA, AD, Z) too. A difference that the table does not have fails, and so does one that is not
// there. Both columns are compared with the program that they are about: p2p-forge's where there is one
// (tests/interop/prepare p2p-forge).
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <regex>
#include <set>

#include "core/text.h"
#include "tests/support/broker/published_forge.h"
#include "tests/support/broker/registrar.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using Variables = std::map<std::string, std::string>;

constexpr const char* kAny = "any";

// `text` with its variables, which begin with '$'; the longest name counts.
std::string filled(std::string text, const Variables& variables) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at)) {
    auto found = variables.end();
    for (auto each = variables.begin(); each != variables.end(); ++each) {
      const bool longer = found == variables.end() || each->first.size() > found->first.size();
      if (longer && text.compare(at + 1, each->first.size(), each->first) == 0) found = each;
    }
    if (found == variables.end()) throw std::runtime_error("no such variable: " + text.substr(at));
    text.replace(at, found->first.size() + 1, found->second);
  }
  return text;
}

std::vector<std::string> texts(const YAML::Node& node) {
  if (!node) return {};
  return node.IsSequence() ? node.as<std::vector<std::string>>() : std::vector{node.as<std::string>()};
}

// A case once for each entry of its `for`.
std::vector<Variables> each_for(const YAML::Node& entry, const Variables& variables) {
  if (!entry["for"]) return {variables};
  std::vector<Variables> all;
  for (const YAML::Node& values : entry["for"]) {
    Variables these = variables;
    std::size_t number = 0;
    for (const std::string& value : texts(values)) these[std::to_string(++number)] = filled(value, variables);
    all.push_back(std::move(these));
  }
  return all;
}

// `key` of what swage does in its own way, else of what p2p-forge does.
YAML::Node of(const YAML::Node& entry, const std::string& key, bool swage) {
  if (swage && entry["swage"] && entry["swage"][key]) return entry["swage"][key];
  return entry["forge"][key];
}

Opt opt_of(const YAML::Node& node) {
  Opt opt;
  opt.udp_size = node["size"].as<std::uint16_t>();
  opt.version = static_cast<std::uint8_t>(node["version"].as<int>(0));
  if (node["do"].as<bool>(false)) opt.flags = kDnssecOk;
  for (const auto& each : node["options"]) {
    const Packet data = from_hex(each.second.as<std::string>());
    opt.options.push_back({each.first.as<std::uint16_t>(), std::string(data.begin(), data.end())});
  }
  return opt;
}

std::string to_text(const std::optional<Opt>& opt) {
  if (!opt) return "no edns";
  std::string text = fmt::format("edns size {} flags {:04x}", opt->udp_size, opt->flags);
  for (const Option& each : opt->options) text += fmt::format(" {}={}", each.code, to_hex(as_bytes(each.data)));
  return text;
}

std::string message(std::string_view rcode, std::uint16_t flags,
                    const std::array<std::vector<std::string>, 4>& sections, const std::optional<Opt>& opt) {
  std::string text = fmt::format("{} {:04x}, {}\n", rcode, flags & ~0xF, to_text(opt));
  for (const auto& section : sections) text += fmt::format("  {}\n", fmt::join(section, "\n  "));
  return text;
}

std::string got(const Decoded& answer) {
  return message(answer.rcode_text(), answer.flags,
                 {answer.question, answer.answer, answer.authority, answer.additional}, answer.opt);
}

std::string wanted(const YAML::Node& entry, const Question& question, const Variables& variables, bool swage) {
  std::array<std::vector<std::string>, 4> sections;
  sections[0] = {fmt::format("{} {} {}", question.name, question.rclass, question.type)};
  const std::array<const char*, 3> names = {"answer", "authority", "additional"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const std::string& each : texts(of(entry, names[i], swage)))
      sections[i + 1].push_back(filled(each, variables));
  }
  const YAML::Node edns = of(entry, "edns", swage);
  const bool aa = of(entry, "aa", swage).as<bool>(true);
  return message(of(entry, "rcode", swage).as<std::string>("NOERROR"),
                 static_cast<std::uint16_t>(kQr | question.flags | (aa ? kAa : 0)), sections,
                 edns ? std::optional<Opt>(opt_of(edns)) : std::nullopt);
}

Question read_question(const YAML::Node& entry, const std::string& text) {
  Question question;
  std::istringstream words(text);
  words >> question.name >> question.type;
  if (question.type == "CH") question.rclass = std::exchange(question.type, "");
  if (question.type.empty()) words >> question.type;
  const std::string flags = entry["flags"].as<std::string>("");
  if (flags.find("rd") != std::string::npos) question.flags |= kRd;
  if (flags.find("cd") != std::string::npos) question.flags |= kCd;
  if (entry["edns"]) question.opt = opt_of(entry["edns"]);
  return question;
}

// Compares what a program has said with what the table says of it. REQUIRES: the two columns differ if and only if
// there is a why.
class Judge {
 public:
  Judge(const YAML::Node& table, Program program) : differences_(table["differences"]), program_(program) {}

  [[nodiscard]] bool is_swage() const { return program_ == Program::swage; }

  void judge(const YAML::Node& entry, const std::string& title, const std::string& got, const std::string& forge,
             const std::string& swage) {
    INFO(title);
    ++cases_;
    const std::string why = entry["why"].as<std::string>("");
    const std::string& wanted = is_swage() ? swage : forge;
    if (got != wanted) FAIL_CHECK((is_swage() ? "swage" : "p2p-forge") << " says\n" << got << "and should\n" << wanted);
    if ((forge != swage) != !why.empty()) FAIL_CHECK("a difference needs a why, and a why a difference");
    if (why.empty()) return;
    if (!differences_[why]) FAIL_CHECK("no such difference: " << why);
    shown_.insert(why);
  }
  void finish() const {
    for (const auto& each : differences_) {
      const std::string name = each.first.as<std::string>();
      if (!shown_.contains(name)) FAIL_CHECK("no case shows the difference " << name);
    }
    CHECK(cases_ > 150);
  }

 private:
  YAML::Node differences_;
  Program program_;
  std::set<std::string> shown_;
  std::size_t cases_ = 0;
};

void ask_all(const PublishedForge& forge, const YAML::Node& entries, const Variables& variables, Judge& judge) {
  for (const YAML::Node& entry : entries) {
    for (Variables& these : [&] { return each_for(entry, variables); }()) {
      for (const std::string& text : texts(entry["queries"] ? entry["queries"] : entry["query"])) {
        const Question question = read_question(entry, filled(text, these));
        these["qname"] = question.name;
        for (const bool tcp : {false, true}) {
          judge.judge(entry, fmt::format("{} {}{}", question.name, question.type, tcp ? " over TCP" : ""),
                      got(forge.ask(question, tcp)), wanted(entry, question, these, false),
                      wanted(entry, question, these, true));
        }
      }
    }
  }
}

// What is new in each response is left out, libp2p-PeerID bearer="…", and what `in-general` says of it.
std::string without_tokens(const std::string& text) {
  static const std::regex token("=\"[^\"]*\""), expires(", expires=\"\"$");
  return std::regex_replace(std::regex_replace(text, token, "=\"\""), expires, "");
}

std::string response(const std::string& status, const std::map<std::string, std::string>& headers,
                     const std::string& body) {
  std::string text = status + "\n";
  for (const auto& [name, value] : headers) text += fmt::format("  {}: {}\n", name, value);
  return text + "  " + body + "\n";
}

std::string wanted(const YAML::Node& entry, const Variables& variables, bool swage) {
  std::map<std::string, std::string> headers;
  for (const auto& each : of(entry, "headers", swage)) {
    headers[lower_case(each.first.as<std::string>())] = each.second.as<std::string>();
  }
  return response(of(entry, "status", swage).as<std::string>(), headers,
                  filled(of(entry, "body", swage).as<std::string>(""), variables));
}

// `body_counts`: else it is said to be "any".
std::string got(const http::Response& answer, bool body_counts) {
  std::map<std::string, std::string> headers;
  for (const http::Field& field : answer.fields) {
    if (field.name == "Date" || field.name == "Content-Length" || field.name == "Connection") continue;
    if (field.name == "Cache-Control" && field.value == "no-store") continue;
    headers[lower_case(field.name)] = without_tokens(field.value);
  }
  return response(std::to_string(answer.status), headers, body_counts ? answer.body : kAny);
}

http::Response say(PublishedForge& forge, const YAML::Node& entry, const Variables& variables) {
  std::istringstream words(filled(entry["request"].as<std::string>(), variables));
  HttpRequest request;
  words >> request.method >> request.target;
  request.host = entry["host"].as<std::string>(request.host);
  for (const auto& each : entry["fields"]) {
    request.fields.emplace_back(each.first.as<std::string>(), each.second.as<std::string>());
  }
  request.body = filled(entry["body"].as<std::string>(""), variables);
  if (!entry["node"]) return forge.say(request);
  const std::string node = filled(entry["node"].as<std::string>(), variables);
  const libp2p::PrivateKey key = PublishedForge::node_key();
  if (node == "wrong signature") return forge.say_as(key, std::move(request), "elsewhere.example");
  if (node == "has the token") request.fields.emplace_back("Forge-Authorization", "sesame");
  if (node == "has a wrong token") request.fields.emplace_back("Forge-Authorization", "Sesame");
  return forge.say_as(key, std::move(request));
}

void request_all(PublishedForge& forge, const YAML::Node& entries, const Variables& variables, Judge& judge) {
  for (const YAML::Node& entry : entries) {
    for (const Variables& these : each_for(entry, variables)) {
      const std::string body = of(entry, "body", judge.is_swage()).as<std::string>("");
      judge.judge(entry, filled(entry["request"].as<std::string>() + " " + entry["body"].as<std::string>(""), these),
                  got(say(forge, entry, these), body != kAny), wanted(entry, these, false), wanted(entry, these, true));
    }
  }
}

Variables variables_of(const YAML::Node& table, const PublishedForge& forge) {
  auto variables = table["variables"].as<Variables>();
  variables["value"] = challenge_value(1);
  variables["later"] = challenge_value(2);
  variables["public"] = forge.node_address();
  variables["loopback"] = forge.node_address("127.1.0.7");
  variables["padding"] = std::string(std::size_t{16} << 10, ' ');
  std::string node = PublishedForge::node_key().public_key().peer_id().to_base36();
  variables["node"] = node;
  std::ranges::transform(node, node.begin(), to_upper);
  variables["NODE"] = node;
  return variables;
}

void check(Program program) {
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const YAML::Node table = YAML::LoadFile("tests/conformance/p2p_forge.yaml");
  const ForgeFolder folder(published("Corefile.local-dev"));
  static_cast<void>(folder.folder().write(".env", "FORGE_ACCESS_TOKEN=sesame\n"));
  std::vector<std::string> arguments = {"-conf", "Corefile", "-dns.port", "5354"};
  if (program == Program::swage) arguments.insert(arguments.end(), {"-workers", "1"});
  PublishedForge forge(folder, arguments, loopback(5354), loopback(5380), program);
  const Variables variables = variables_of(table, forge);
  Judge judge(table, program);
  ask_all(forge, table["queries"], variables, judge);
  request_all(forge, table["requests"], variables, judge);
  ask_all(forge, table["afterwards"], variables, judge);
  judge.finish();
}

}  // namespace

TEST_CASE("p2p-forge: the table of what it answers, and of the differences") { check(Program::swage); }

TEST_CASE("p2p-forge: the table is true of p2p-forge itself") {
  if (!real_p2p_forge("p2p_forge.yaml compared with p2p-forge itself").empty()) check(Program::p2p_forge);
}
