// swagectl and the control socket, with the real programs: each command, and all that can be wrong with who answers and
// who asks.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/descriptor.h"
#include "tests/support/server.h"
#include "tests/support/web.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kZone =
    "example.org.  3600 IN SOA ns.example.org. host.example.org. 42 7200 3600 1209600 300\n"
    "example.org.  3600 IN NS ns.example.org.\nns.example.org. 3600 IN A 192.0.2.53\n";
constexpr const char* kCorefile = "example.org:@PORT@ {\n bind 127.0.0.1\n file @FOLDER@/zone example.org\n}\n";

struct Outcome {
  int status = -1;
  std::string output, errors;
};

// Beside $SWAGE.
std::string program() {
  const char* const path = std::getenv("SWAGE");
  const std::string swage = path == nullptr ? "build/asan/swage" : path;
  return swage.substr(0, swage.rfind('/') + 1) + "swagectl";
}

Outcome swagectl(const std::string& socket, std::vector<std::string> words) {
  words.insert(words.begin(), {program(), "-s", socket, "-wait", "60s"});
  auto process = Process::start({.arguments = words});
  REQUIRE(process);
  const auto status = process->wait(120s);
  REQUIRE(status);
  CHECK_FALSE(status->signalled);
  return {status->code, process->output(), process->errors()};
}

// A server with a control socket and a zone.
struct Controlled {
  explicit Controlled(std::string corefile = kCorefile, std::vector<std::string> more = {})
      : socket(place.path() + "/control"), server(with_zone(std::move(corefile)), options(std::move(more))) {}

  [[nodiscard]] Outcome ask(std::vector<std::string> words) const { return swagectl(socket, std::move(words)); }
  [[nodiscard]] std::string with_zone(std::string corefile) const {
    static_cast<void>(place.write("zone", kZone));
    for (std::size_t at = 0; (at = corefile.find("@FOLDER@")) != std::string::npos;) {
      corefile.replace(at, 8, place.path());
    }
    return corefile;
  }
  [[nodiscard]] ServerOptions options(std::vector<std::string> more) const {
    more.insert(more.begin(), {"-control", socket});
    return {.arguments = std::move(more)};
  }

  Folder place;
  std::string socket;
  Server server;
};

Descriptor connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Descriptor();
  return socket;
}

// What is answered to these bytes, up to the end of the connection.
std::string exchange(const std::string& path, const std::string& bytes, bool half_close = false) {
  const Descriptor socket = connect_to(path);
  REQUIRE(socket.exists());
  static_cast<void>(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  if (half_close) shutdown(socket.get(), SHUT_WR);
  std::string answer;
  const bool ended = wait_until(
      [&] {
        char part[4096];
        const ssize_t size = recv(socket.get(), part, sizeof part, 0);
        if (size > 0) answer.append(part, static_cast<std::size_t>(size));
        return size == 0 || (size < 0 && errno != EAGAIN);
      },
      60s);
  CHECK(ended);
  return answer;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("control: status and zones say what there is; what is wrong is an exit status of 1") {
  const Controlled all;
  struct stat socket{};
  REQUIRE(stat(all.socket.c_str(), &socket) == 0);
  CHECK((socket.st_mode & 0777) == 0600);
  const Outcome status = all.ask({});
  INFO(status.output << status.errors);
  CHECK(status.status == 0);
  for (const char* const part : {"All is well.", "supervisor", "service", "dns 0", "configuration 1",
                                 "1 zone served, 0 signed, 0 missing", " example.org."}) {
    INFO(part);
    CHECK(has(status.output, part));
  }
  const Outcome zones = all.ask({"zones"});
  CHECK(zones.status == 0);
  CHECK(has(zones.output, "example.org.  42      3        not signed"));
  CHECK(all.ask({"zones", "Example.ORG"}).output == zones.output);
  const Outcome other = all.ask({"zones", "example.net"});
  CHECK(other.status == 1);
  CHECK(other.errors == "swagectl: example.net. is not served here\n");
  const Outcome json = all.ask({"-json", "zones"});
  CHECK(has(json.output, R"({"zone":{"loaded":true,"name":"example.org.","records":3,"serial":42,"signed":false}})"));
  CHECK(has(json.output, R"({"count":1,"ok":true,"v":1})"));
  for (const char* const what : {"peers", "challenges", "certificates", "keys", "fleet"}) {
    INFO(what);
    CHECK(all.ask({what}).status == 0);
  }
}

TEST_CASE("control: a process that is stopped or gone is told, and nothing hangs") {
  Controlled all;
  const pid_t server = all.server.process().pid();
  const std::vector<pid_t> dns = children(server, "@dns");
  REQUIRE(dns.size() == 1);
  kill(dns[0], SIGSTOP);
  Outcome status;
  CHECK(wait_until([&] { return (status = all.ask({"status"})).status == 1; }, 30s));
  CHECK(has(status.output, "the process 'dns 0' (pid " + std::to_string(dns[0]) + ") is stopped"));
  kill(dns[0], SIGCONT);
  const std::vector<pid_t> service = children(server, "@service");
  REQUIRE(service.size() == 1);
  kill(service[0], SIGSTOP);  // the supervisor replaces it soon
  auto asking = Process::start({.arguments = {program(), "-s", all.socket, "-wait", "10ms", "status"}});
  REQUIRE(asking);
  const auto ended = asking->wait(60s);
  REQUIRE(ended);
  CHECK(ended->code == 3);
  CHECK(has(asking->errors(), "swagectl: the server does not answer within 0.01 s"));
  kill(service[0], SIGKILL);
  CHECK(wait_until([&] { return all.ask({"status"}).status == 0; }, 60s));
  CHECK(all.server.stop().clean());
  CHECK_FALSE(std::filesystem::exists(all.socket));
  const Outcome gone = all.ask({"status"});
  CHECK(gone.status == 3);
  CHECK(has(gone.errors, "there is no such socket"));
}

TEST_CASE("control: reload waits, and says how it ended") {
  const Controlled all;
  CHECK(all.ask({"reload"}).output == "reloaded\n");
  all.server.write_corefile("example.org:@PORT@ {\n bind 127.0.0.1\n fiel x\n whomai\n}\n");
  const Outcome broken = all.ask({"reload"});
  CHECK(broken.status == 1);
  CHECK(has(broken.errors, ":3: "));
  CHECK(has(broken.errors, "did you mean 'file'?"));
  CHECK(has(broken.errors, ":4: "));
  const Outcome status = all.ask({});
  CHECK(status.status == 1);
  CHECK(has(status.output, "the last reload failed: "));
  CHECK(has(status.output, "configuration 2"));
  all.server.write_corefile(all.with_zone(kCorefile));
  std::vector<Process> several;
  for (int i = 0; i < 4; ++i) {
    auto one = Process::start({.arguments = {program(), "-s", all.socket, "reload"}});
    REQUIRE(one);
    several.push_back(*std::move(one));
  }
  for (Process& each : several) {
    const auto ended = each.wait(120s);
    REQUIRE(ended);
    INFO(each.errors());
    CHECK(ended->clean());
    CHECK(each.output() == "reloaded\n");
  }
  CHECK(all.ask({}).status == 0);
}

TEST_CASE("control: the level of the log, and queries of some, are switched while the server runs") {
  Controlled all;
  CHECK(all.ask({"query-log", "on", "client", "127.0.0.0/8", "zone", "example.org", "for", "1h"}).status == 0);
  CHECK(has(all.ask({}).output, "queries are logged of 127.0.0.0/8 for example.org., for "));
  const auto is_logged = [&](const char* name) {
    static_cast<void>(all.server.ask({name, "A"}));
    return has(all.server.log(), std::string("[INFO] query-log: 127.0.0.1:")) && has(all.server.log(), name);
  };
  CHECK(wait_until([&] { return is_logged("ns.example.org."); }, 60s));
  CHECK(all.ask({"reload"}).status == 0);  // which it outlives
  CHECK(wait_until([&] { return is_logged("after.example.org."); }, 60s));
  CHECK(all.ask({"query-log", "off"}).status == 0);
  CHECK_FALSE(has(all.ask({}).output, "query-log"));
  CHECK(all.ask({"log-level", "error"}).status == 0);
  CHECK(all.ask({"reload"}).status == 0);
  CHECK(has(all.ask({}).output, "log: level error"));
  const Outcome level = all.ask({"log-level", "warnin"});
  CHECK(level.status == 1);
  CHECK(level.errors ==
        "swagectl: 'warnin' is not a level: expected debug, info, warning or error; did you mean 'warning'?\n");
}

TEST_CASE("control: garbage, huge lines, many connections and clients that never read harm nobody") {
  const Controlled all;
  struct Case {
    std::string bytes, error;
  };
  for (const Case& each : {Case{"garbage\n", "the request is not an object of JSON"},
                           Case{"[1]\n", "the request is not an object of JSON"},
                           Case{std::string("\0\xff{}\n", 5), "the request is not an object of JSON"},
                           Case{std::string(4000, '[') + "\n", "the request is not an object of JSON"},
                           Case{R"({"do":"statsu"})"
                                "\n",
                                "'statsu' is not something to do; did you mean 'status'?"},
                           Case{R"({"do":7})"
                                "\n",
                                "'' is not something to do"},
                           Case{"{}\n", "'' is not something to do"},
                           Case{R"({"do":"query-log","seconds":-1})"
                                "\n",
                                "queries are logged for 1 second to 24 hours"},
                           Case{R"({"do":"query-log","client":"x"})"
                                "\n",
                                "not an IP address: 'x'"},
                           Case{R"({"do":"zones","zone":"a..b"})"
                                "\n",
                                "'a..b' is not a valid zone"},
                           Case{std::string(5000, 'x'), "the request has more than 4096 bytes"},
                           Case{std::string(5000, 'x') + "\n", "the request has more than 4096 bytes"}}) {
    const std::string answer = exchange(all.socket, each.bytes);
    INFO(each.bytes.substr(0, 40) << " → " << answer);
    CHECK(has(answer, each.error));
    CHECK(has(answer, R"("ok":false)"));
  }
  CHECK(exchange(all.socket, "", true).empty());
  CHECK(has(exchange(all.socket, R"({"do":"zones"})", true), R"("ok":true)"));  // the end is as good as a newline

  std::vector<Descriptor> idle;
  for (int i = 0; i < 1000; ++i) {
    Descriptor one = connect_to(all.socket);
    if (!one.exists()) continue;  // too many wait to be accepted
    const std::string request = i % 2 == 0 ? "" : "{\"do\":\"status\"}\n";
    static_cast<void>(send(one.get(), request.data(), request.size(), MSG_NOSIGNAL));
    idle.push_back(std::move(one));
  }
  CHECK(idle.size() > 100);
  static_cast<void>(all.server.ask({"ns.example.org.", "A"}));
  CHECK(wait_until([&] { return all.ask({}).status == 0; }, 60s));  // as soon as those are too late
}

TEST_CASE("control: what stands where the socket is to be") {
  const Folder place;
  const std::string path = place.path() + "/control", corefile = place.path() + "/Corefile";
  std::ofstream(corefile) << ".:1053 {\n whoami\n}\n";
  const char* const swage = std::getenv("SWAGE");
  REQUIRE(swage != nullptr);
  const auto start = [&](const std::string& where) {
    auto process = Process::start({.arguments = {swage, "-conf", corefile, "-control", where}});
    REQUIRE(process);
    const auto ended = process->wait(60s);
    REQUIRE(ended);
    CHECK(ended->code == 1);
    return process->errors();
  };
  std::ofstream(path) << "mine";
  CHECK(start(path) == "-control: " + path + " is there, and is not a socket\n");
  CHECK(has(start(place.path() + "/none/control"), "No such file or directory"));
  CHECK(has(start("/" + std::string(200, 'x')), "the path of a Unix socket has 1 to 107 bytes"));
  const Controlled first;
  CHECK(start(first.socket) == "-control: " + first.socket + " is in use by another server\n");
  CHECK(first.ask({}).status == 0);

  std::filesystem::remove(path);
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    const Descriptor left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  const Server after(".:@PORT@ {\n bind 127.0.0.1\n whoami\n}\n", {.arguments = {"-control", path}});
  CHECK(swagectl(path, {"status"}).status == 0);  // what a server that was killed has left gives way
}

TEST_CASE("control: what was forwarded is forgotten") {
  const Controlled none;
  const Outcome refused = none.ask({"flush"});
  CHECK(refused.status == 1);
  CHECK(refused.errors == "swagectl: there is nothing to forget: no server block forwards\n");

  const Controlled other("example.org:@PORT@ {\n bind 127.0.0.1\n file @FOLDER@/zone example.org\n log\n}\n");
  const std::string at = other.server.endpoint().to_string();
  const Controlled all(".:@PORT@ {\n bind 127.0.0.1\n cache\n forward . " + at + "\n}\n");
  const auto asked = [&] {  // how many times the other one was
    static_cast<void>(all.server.ask({"ns.example.org.", "A"}));
    const std::string log = other.server.log();
    std::size_t count = 0;
    for (std::size_t i = 0; (i = log.find("ns.example.org.", i)) != std::string::npos; ++i) ++count;
    return count;
  };
  CHECK(wait_until([&] { return asked() > 0; }, 60s));
  const std::size_t before = asked();
  CHECK(all.ask({"flush", "example.net"}).status == 0);
  CHECK(wait_until([&] { return has(all.server.log(), "0 answers were forgotten for example.net."); }, 60s));
  CHECK(all.ask({"flush", "Example.org"}).status == 0);
  CHECK(wait_until([&] { return has(all.server.log(), "1 answer was forgotten for example.org."); }, 60s));
  CHECK(wait_until([&] { return asked() > before; }, 60s));
}

TEST_CASE("control: the page of status is asked for under names that are known, and says what swagectl says") {
  const Controlled all(
      "example.org:@PORT@ {\n bind 127.0.0.1\n status 127.0.0.1:@PORT2@\n file @FOLDER@/zone example.org\n}\n");
  static_cast<void>(all.server.ask({"ns.example.org.", "A"}));
  const std::string page = http_get(all.server.second_port(), "/");
  CHECK(has(page, "HTTP/1.1 200"));
  CHECK(has(page, "Content-Security-Policy: default-src 'none'; script-src 'nonce-"));
  CHECK(has(page, "</html>"));
  std::string json;
  CHECK(wait_until(
      [&] {
        json = http_get(all.server.second_port(), "/status.json");
        return has(json, R"("names":[{"count":1,"what":"ns.example.org."}])");
      },
      60s));
  INFO(json);
  for (const char* const part :
       {R"("name":"example.org.")", R"("serial":42)", R"("name":"dns 0")", R"("problems":[])", R"("rate":)"}) {
    INFO(part);
    CHECK(has(json, part));
  }
  CHECK(has(http_get(all.server.second_port(), "/other"), "HTTP/1.1 404"));
  CHECK(has(all.ask({"top"}).output, "ns.example.org."));
  CHECK(has(all.ask({"top"}).output, "127.0.0.1"));
}

TEST_CASE("control: bash completes commands, words and zones") {
  const Controlled all;
  const auto complete = [&](const std::string& words, int at) {
    const std::string script = "PATH=\"" + program().substr(0, program().rfind('/')) +
                               ":$PATH\"; . packaging/swagectl.bash; COMP_WORDS=(swagectl " + words +
                               "); COMP_CWORD=" + std::to_string(at) + "; _swagectl; echo \"${COMPREPLY[*]}\"";
    const auto output = run({.arguments = {"bash", "-c", script}});
    REQUIRE(output);
    return *output;
  };
  CHECK(complete("st", 1) == "status\n");
  CHECK(complete("-s " + all.socket + " z", 3) == "zones\n");
  CHECK(complete("log-level e", 2) == "error\n");
  CHECK(complete("query-log o", 2) == "on off\n");
  CHECK(complete("query-log on c", 3) == "client\n");
  CHECK(complete("--j", 1) == "--json\n");
  CHECK(complete("-j", 1) == "-json\n");
  CHECK(wait_until([&] { return complete("-s " + all.socket + " zones e", 4) == "example.org.\n"; }, 60s));
}

TEST_CASE("control: the command line of swagectl") {
  const auto errors = [](std::vector<std::string> words) {
    const Outcome outcome = swagectl("/nonexistent", std::move(words));
    CHECK(outcome.status == 2);
    return outcome.errors;
  };
  CHECK(errors({"statsu"}) ==
        "swagectl: 'statsu' is not a command; did you mean 'status'?; swagectl help lists them\n");
  CHECK(errors({"reload", "now"}) == "swagectl: reload: unexpected 'now'\n");
  CHECK(errors({"log-level"}) == "swagectl: log-level: expected debug, info, warning or error\n");
  CHECK(errors({"query-log", "on", "client"}) == "swagectl: query-log: 'client' must be followed by a value\n");
  CHECK(errors({"query-log", "on", "fro", "1h"}) ==
        "swagectl: query-log: unexpected 'fro'; expected client, zone or for; did you mean 'for'?\n");
  CHECK(errors({"-x"}) == "swagectl: unknown flag -x; swagectl help lists them\n");
  const Outcome help = swagectl("", {"help"});
  CHECK(help.status == 0);
  // Every command and flag is in the manual.
  std::ifstream file("docs/swagectl.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  for (const char* const word :
       {"status", "zones", "reload", "upgrade", "peers", "challenges", "certificates", "keys", "fleet", "top",
        "log-level", "query-log", "flush", "help", "version", "-socket", "-json", "-wait"}) {
    INFO(word);
    CHECK(has(help.output, word));
    CHECK(has(manual, "`" + std::string(word)));
  }
}
