// What the operator of p2p-forge sees of it, and of swage in its place: metrics, log, exit codes, signals. The table,
// p2p_forge_operation.yaml, has what p2p-forge shows after the traffic below; what swage shows too is in `both`, the
// rest in lists with the reason of each. Both programs are compared with it, p2p-forge where there is one
// (tests/interop/prepare p2p-forge).
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/broker/interop_peer.h"
#include "tests/support/broker/published_forge.h"
#include "tests/support/broker/registrar.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;

constexpr const char* kTable = "tests/conformance/p2p_forge_operation.yaml";
constexpr Milliseconds kLong{30000};
const std::string kPeer = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk.libp2p.direct.";

using Lines = std::multiset<std::string>;

std::vector<std::string> arguments_of(Program program) {
  std::vector<std::string> arguments = {"-conf", "Corefile", "-dns.port", "5354"};
  if (program == Program::swage) arguments.insert(arguments.end(), {"-workers", "1"});
  return arguments;
}

// Runs `body` with p2p-forge's network and one of the programs.
template <typename Body>
void with(Program program, const Body& body) {
  if (program == Program::p2p_forge &&
      real_p2p_forge("p2p_forge_operation.yaml compared with p2p-forge itself").empty())
    return;
  const auto network = OwnNetwork::enter();
  if (!network) return;
  body();
}

// One of each: queries over UDP and TCP, requests, a registration and those that fail.
void make_traffic(PublishedForge& forge) {
  const auto ask = [&](const std::string& name, const std::string& type, bool tcp = false) {
    static_cast<void>(forge.ask({.name = name, .type = type}, tcp));
  };
  ask("1-2-3-4." + kPeer, "A");
  ask("1-2-3-4." + kPeer, "A", true);
  ask("2001-db8--1." + kPeer, "AAAA");
  ask("1-2-3-4." + kPeer, "TXT");
  ask(kPeer, "CAA");
  ask(kPeer, "ANY");
  ask("_acme-challenge." + kPeer, "TXT");
  ask("_acme-challenge." + kPeer, "MX");
  ask("libp2p.direct.", "SOA");
  ask("nowhere.libp2p.direct.", "A");
  ask("example.org.", "A");
  Question with_edns{.name = "1-2-3-4." + kPeer, .type = "A"};
  with_edns.opt.emplace();
  with_edns.opt->udp_size = 1232;
  with_edns.opt->flags = kDnssecOk;
  static_cast<void>(forge.ask(with_edns));

  const libp2p::PrivateKey key = PublishedForge::node_key();
  const auto say_as = [&](HttpRequest request) {
    request.fields.emplace_back("User-Agent", "curl/8 \"x\"");
    return forge.say_as(key, std::move(request)).status;
  };
  CHECK(forge.say({.method = "GET", .target = "/v1/health"}).status == 204);
  CHECK(forge.say({.method = "GET", .target = "/nowhere?a=b"}).status == 404);
  CHECK(say_as({.method = "POST", .target = "/v1/_acme-challenge", .body = "{}"}) == 400);
  HttpRequest nobody_there = registration(challenge_value(1), {"/ip4/128.1.0.5/tcp/9"});
  CHECK(say_as(nobody_there) == 400);
  CHECK(say_as(registration(challenge_value(1), {forge.node_address()})) == 200);
  const std::string node = key.public_key().peer_id().to_base36() + ".libp2p.direct.";
  ask("_acme-challenge." + node, "TXT");
}

// go-libp2p, which knows nothing of swage, registers as users' nodes do.
void check_go_node(Program program) {
  const auto peers = interop_peers();
  if (std::ranges::find(peers, "go") == peers.end()) return;
  with(program, [program] {
    const ForgeFolder folder(published("Corefile.local-dev"));
    static_cast<void>(folder.folder().write(".env", "FORGE_ACCESS_TOKEN=sesame\n"));
    const PublishedForge forge(folder, arguments_of(program), loopback(5354), loopback(5380), program);
    std::uint64_t number = 0;
    for (const auto type :
         {libp2p::KeyType::ed25519, libp2p::KeyType::rsa, libp2p::KeyType::ecdsa, libp2p::KeyType::secp256k1}) {
      const KeyFile identity(type);
      auto node =
          Process::start(interop_command("go", {"listen", "--key", identity.path(), "/ip4/128.1.0.5/tcp/4001"}));
      REQUIRE(node);
      REQUIRE(node->wait_for("ready\n", kLong));
      const std::string value = challenge_value(++number);
      const auto registered = run(interop_command(
          "go", {"register", "--key", identity.path(), "--host", "registration.libp2p.direct", "--token", "sesame",
                 "http://127.0.0.1:5380", "--", value, "/ip4/128.1.0.5/tcp/4001"}));
      INFO(forge.log());
      CHECK((registered ? "" : registered.error().text()) == "");
      const std::string name = "_acme-challenge." + identity.peer_id().to_base36() + ".libp2p.direct.";
      CHECK(forge.ask({.name = name, .type = "TXT"}).answer ==
            std::vector<std::string>{fmt::format("{} 10 IN TXT \"{}\"", name, value)});
    }
  });
}

// A line for each series: "counter NAME{LABEL=\"…\",…} VALUE", the labels in order, the value where it is a count of
// something that happened; no buckets.
Lines series_of(const std::string& text) {
  static const std::regex label(R"re((\w+)="((?:[^"\\]|\\.)*)")re");
  std::map<std::string, std::string> types;
  Lines lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);) {
    std::istringstream words(line);
    std::string hash, keyword, name, type;
    if (line.starts_with('#')) {
      words >> hash >> keyword >> name >> type;
      if (keyword == "TYPE") types[name] = type;
      continue;
    }
    name = line.substr(0, line.find_first_of("{ "));
    const std::size_t end = line.starts_with(name + "{") ? line.rfind('}') + 1 : name.size();
    std::set<std::string> labels;
    const std::string inner = line.substr(name.size(), end - name.size());
    for (auto each = std::sregex_iterator(inner.begin(), inner.end(), label); each != std::sregex_iterator(); ++each) {
      labels.insert(each->str());
    }
    std::string family = name;
    for (const char* const suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix) && !types.contains(name)) family = name.substr(0, name.rfind('_'));
    }
    if (name.ends_with("_bucket") || name.ends_with("_sum")) continue;
    const bool counts = (types[family] == "counter" || types[family] == "histogram") && name.starts_with("coredns_");
    lines.insert(fmt::format("{} {}{}{}", types[family], name,
                             labels.empty() ? "" : fmt::format("{{{}}}", fmt::join(labels, ",")),
                             counts ? line.substr(end) : ""));
  }
  return lines;
}

// What is new each time is replaced.
Lines lines_of(const std::string& log) {
  static const std::vector<std::pair<std::regex, std::string>> kNew = {
      {std::regex(R"(127\.0\.0\.1:\d+ - \d+)"), "127.0.0.1:PORT - ID"},
      {std::regex(R"(\d+ \d+\.\d+s$)"), "SIZE TIME"},
      {std::regex(R"(dt=[0-9.]+(ns|µs|ms|s))"), "dt=TIME"},
      {std::regex(R"(after \d+ ms)"), "after TIME"},
      {std::regex(R"(pid \d+)"), "pid PID"},
      {std::regex(R"(/tcp/\d+)"), "/tcp/PORT"},
      {std::regex(R"(udp \d+\.\d+\.\d+\.\d+:\d+->)"), "udp ADDRESS->"},
      {std::regex("12D3KooW[A-Za-z0-9]+"), "PEER"},
  };
  Lines lines;
  std::istringstream input(log);
  for (std::string line; std::getline(input, line);) {
    for (const auto& [what, with] : kNew) line = std::regex_replace(line, what, with);
    lines.insert(line);
  }
  return lines;
}

// Compares what a program shows with `both`, without what its own list explains. Each reason must be needed.
void compare(const YAML::Node& table, Program program, Lines got) {
  for (const YAML::Node& each : table[program == Program::swage ? "swage" : "forge"]) {
    const std::regex pattern(each["matching"].as<std::string>());
    const auto is_explained = [&](const std::string& line) { return std::regex_search(line, pattern); };
    if (std::erase_if(got, is_explained) == 0) FAIL_CHECK("nothing matches " << each["matching"].as<std::string>());
    if (each["why"].as<std::string>("").empty()) FAIL_CHECK("no reason: " << each["matching"].as<std::string>());
  }
  Lines wanted;
  for (const YAML::Node& each : table["both"]) wanted.insert(each.as<std::string>());
  std::string text;
  for (const std::string& line : got) {
    if (got.count(line) > wanted.count(line)) text += "more:    " + line + "\n";
  }
  for (const std::string& line : wanted) {
    if (wanted.count(line) > got.count(line)) text += "missing: " + line + "\n";
  }
  if (!text.empty()) FAIL_CHECK((program == Program::swage ? "swage" : "p2p-forge") << " shows\n" << text);
}

void check_metrics(Program program) {
  with(program, [program] {
    const ForgeFolder folder(published("Corefile.local-dev"));
    PublishedForge forge(folder, arguments_of(program), loopback(5354), loopback(5380), program);
    make_traffic(forge);
    const auto scrape = [&] {
      return forge.say_to(loopback(9253), {.method = "GET", .target = "/metrics", .host = "localhost:9253"}).body;
    };
    const YAML::Node table = YAML::LoadFile(kTable)["metrics"];
    Lines both;
    for (const YAML::Node& each : table["both"]) both.insert(each.as<std::string>());
    std::string text;
    const auto complete = [&] {  // queries and peers are counted after their clients have the answer
      text = scrape();
      return std::ranges::includes(series_of(text), both) &&
             std::regex_search(text, std::regex(R"(\ncoredns_forge_acme_libp2p_probe_total\{[^}]*result="ok")"));
    };
    CHECK(wait_until(complete, kLong));
    compare(table, program, series_of(text));
  });
}

void check_log(Program program) {
  with(program, [program] {
    const ForgeFolder folder(published("Corefile.local-dev"));
    PublishedForge forge(folder, arguments_of(program), loopback(5354), loopback(5380), program);
    make_traffic(forge);
    CHECK(forge.process().wait_for("(status=200", kLong));
    if (program == Program::swage) {  // the node is heard of while its loop runs
      const auto heard = [&] {
        static_cast<void>(forge.say({.method = "GET", .target = "/v1/health"}));
        return forge.log().find("is swage-test/1") != std::string::npos;
      };
      CHECK(wait_until(heard, kLong));
    }
    forge.process().signal(SIGTERM);
    const auto status = forge.process().wait(kLong);
    CHECK((status && status->clean()));
    compare(YAML::LoadFile(kTable)["log"], program, lines_of(forge.log()));
  });
}

// How a program that is started with `arguments` ends.
int status_of(const ForgeFolder& folder, Program program, const std::vector<std::string>& arguments) {
  auto process = Process::start(folder.command(arguments, program));
  REQUIRE(process);
  const auto status = process->wait(kLong);
  REQUIRE(status);
  CHECK_FALSE(status->signalled);
  return status->code;
}

void check_flags(Program program) {
  with(program, [program] {
    const bool swage = program == Program::swage;
    for (const YAML::Node& each : YAML::LoadFile(kTable)["flags"]) {
      const std::string corefile = each["corefile"].as<std::string>("");
      const ForgeFolder folder(corefile.empty() ? published("Corefile.local-dev") : corefile);
      const auto arguments = each["arguments"].as<std::vector<std::string>>();
      INFO(fmt::format("{}", fmt::join(arguments, " ")));
      const int forge_status = each["forge"].as<int>();
      const bool differs = static_cast<bool>(each["swage"]);
      CHECK(differs == !each["why"].as<std::string>("").empty());
      CHECK(status_of(folder, program, arguments) == (swage && differs ? each["swage"].as<int>() : forge_status));
    }
  });
}

// What a running server does for a signal: "exit N", or "serves".
std::string after(Program program, int number) {
  const ForgeFolder folder(published("Corefile.local-dev"));
  std::vector<std::string> arguments = arguments_of(program);
  arguments.insert(arguments.end(), {"-pidfile", "pid"});
  auto process = Process::start(folder.command(arguments, program));
  REQUIRE(process);
  const auto answers = [] {
    const auto answer = ask_udp(loopback(5354), encode({.name = "1-2-3-4." + kPeer, .type = "A"}), Milliseconds(500));
    return answer.has_value();
  };
  INFO(process->log());
  REQUIRE(wait_until(answers, kLong));
  REQUIRE(
      wait_until([&] { return read_file(folder.folder().file("pid")) == fmt::format("{}\n", process->pid()); }, kLong));
  process->signal(number);
  if (const auto status = process->wait(Milliseconds(number == SIGUSR2 ? 20000 : 2000))) {
    const pid_t successor = std::atoi(read_file(folder.folder().file("pid")).c_str());
    if (number == SIGUSR2 && successor > 1) {  // no longer a child of this one
      const bool serves = wait_until(answers, kLong);
      kill(successor, SIGTERM);
      CHECK(wait_until([successor] { return kill(successor, 0) != 0; }, kLong));
      return serves ? "serves" : "does not answer";
    }
    CHECK(read_file(folder.folder().file("pid")).empty() == (status->code == 0));
    return status->to_string();
  }
  return wait_until(answers, kLong) ? "serves" : "does not answer";
}

void check_signals(Program program) {
  with(program, [program] {
    const std::map<std::string, int> numbers = {{"TERM", SIGTERM}, {"INT", SIGINT},   {"QUIT", SIGQUIT},
                                                {"HUP", SIGHUP},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
    for (const YAML::Node& each : YAML::LoadFile(kTable)["signals"]) {
      const std::string name = each["signal"].as<std::string>();
      INFO(name);
      const bool differs = static_cast<bool>(each["swage"]);
      CHECK(differs == !each["why"].as<std::string>("").empty());
      const std::string column = program == Program::swage && differs ? "swage" : "forge";
      CHECK(after(program, numbers.at(name)) == each[column].as<std::string>());
    }
  });
}

}  // namespace

TEST_CASE("p2p-forge's operator: a node of go-libp2p registers") { check_go_node(Program::swage); }
TEST_CASE("p2p-forge's operator: a node of go-libp2p registers with p2p-forge itself") {
  check_go_node(Program::p2p_forge);
}
TEST_CASE("p2p-forge's operator: metrics") { check_metrics(Program::swage); }
TEST_CASE("p2p-forge's operator: metrics of p2p-forge itself") { check_metrics(Program::p2p_forge); }
TEST_CASE("p2p-forge's operator: the log") { check_log(Program::swage); }
TEST_CASE("p2p-forge's operator: the log of p2p-forge itself") { check_log(Program::p2p_forge); }
TEST_CASE("p2p-forge's operator: flags and exit codes") { check_flags(Program::swage); }
TEST_CASE("p2p-forge's operator: flags and exit codes of p2p-forge itself") { check_flags(Program::p2p_forge); }
TEST_CASE("p2p-forge's operator: signals") { check_signals(Program::swage); }
TEST_CASE("p2p-forge's operator: signals of p2p-forge itself") { check_signals(Program::p2p_forge); }
