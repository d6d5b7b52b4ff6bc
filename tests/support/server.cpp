#include "tests/support/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr Milliseconds kStopPatience{20000};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

Decoded decoded(const std::optional<Packet>& answer, const Question& question, const std::string& log) {
  if (!answer) FAIL("no answer to " << question.name << " " << question.type << "\n" << log);
  Result<Decoded> result = decode(*answer);
  if (!result) FAIL(question.name << " " << question.type << ": " << result.error().text());
  return *std::move(result);
}

Process start_or_fail(const Command& command) {
  Result<Process> process = Process::start(command);
  if (!process) FAIL(process.error().text());
  return *std::move(process);
}

}  // namespace

Server::Server(std::string_view corefile, ServerOptions options) {
  write_corefile(corefile);
  start(options);
}

Server::~Server() {
  if (stopped_ || process_.pid() < 0) return;
  const ExitStatus status = stop();
  // While another failure unwinds the stack, Catch may not be called.
  if (!status.clean() && std::uncaught_exceptions() == 0) FAIL_CHECK("swage: " << status.to_string() << "\n" << log());
}

std::string Server::filled(std::string_view corefile) const {
  std::string text(corefile);
  replace_all(text, "@PORT@", std::to_string(port()));
  replace_all(text, "@PORT2@", std::to_string(second_port()));
  replace_all(text, "@FOLDER@", folder_.path());
  return text;
}

void Server::write_corefile(std::string_view corefile) const {
  static_cast<void>(folder_.write("Corefile", filled(corefile)));
}

void Server::start(const ServerOptions& options) {
  const char* binary = options.release ? std::getenv("SWAGE_RELEASE") : nullptr;
  if (binary == nullptr) binary = std::getenv("SWAGE");
  if (binary == nullptr) FAIL("the environment variable SWAGE names no server: run this test with ctest");
  Command command{.arguments = {binary, "-conf", folder_.file("Corefile"), "-dns.port", std::to_string(port()),
                                "-workers", std::to_string(options.workers), "-quiet", "-pidfile", folder_.file("pid")},
                  .environment = options.environment};
  command.arguments.insert(command.arguments.end(), options.arguments.begin(), options.arguments.end());
  process_ = start_or_fail(command);
  if (!options.wait) return;
  const bool ready = wait_until([&] { return answers() || !process_.running(); }, options.patience);
  if (ready && process_.running()) return;
  stopped_ = true;
  FAIL("swage does not answer on port " << port() << "\n" << log() << read_file(folder_.file("Corefile")));
}

bool Server::answers() const {
  if (read_file(folder_.file("pid")).empty()) return false;  // it comes when all processes serve
  const Question question{.name = ".", .type = "NS"};
  return tests::ask_udp(endpoint(), encode(question), Milliseconds(100)).has_value();
}

std::string Server::metrics() const {
  const TcpClient client(loopback(second_port()));
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (!client.send_raw(as_bytes(request))) FAIL("no metrics\n" << log());
  std::string text;
  char part[16384];
  for (ssize_t size = 1; size > 0; text.append(part, static_cast<std::size_t>(std::max<ssize_t>(size, 0)))) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(kPatience.count())) <= 0) FAIL("no metrics in time\n" << log());
    size = recv(client.descriptor(), part, sizeof part, 0);
  }
  return text;
}

double Server::metric(const std::string& series) const {
  const std::string text = metrics();
  const std::size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

Decoded Server::ask(const Question& question) const {
  return decoded(tests::ask_udp(endpoint(), encode(question)), question, log());
}

Decoded Server::ask_tcp(const Question& question) const {
  return decoded(tests::ask_tcp(endpoint(), encode(question)), question, log());
}

ExitStatus Server::stop() {
  stopped_ = true;
  process_.signal(SIGTERM);
  const auto status = process_.wait(kStopPatience);
  if (status) return *status;
  process_.kill_group();
  return process_.wait(kStopPatience).value_or(ExitStatus{true, SIGKILL});
}

}  // namespace swage::tests
