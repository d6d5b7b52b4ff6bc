// A swage for tests: the server binary ($SWAGE), started with a Corefile on a free port and stopped in the end. For
// Catch tests only: what goes wrong fails the test that runs, with the server's log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

struct ServerOptions {
  unsigned workers = 1;                  // dns processes
  std::vector<std::string> arguments{};  // after those that Server gives
  std::vector<std::pair<std::string, std::string>> environment{};
  bool wait = true;  // until it answers DNS on port()
  bool release =
      false;  // the optimised binary ($SWAGE_RELEASE), where there is one: for figures, and for many of anything
  Milliseconds patience{20000};
};

class Server {
 public:
  // Starts swage and waits until it answers. In `corefile`, @PORT@ stands for port(), which is also the port of server
  // blocks that name none, @FOLDER@ for folder(), and @PORT2@ for a second free port (HTTP, say). Relative paths in it
  // are relative to the top of the repository. A start that fails fails the test.
  explicit Server(std::string_view corefile, ServerOptions options = {});
  // Sends SIGTERM, if nothing has stopped the server yet; the test fails unless it then exits with 0.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_.number(); }
  [[nodiscard]] std::uint16_t second_port() const { return second_port_.number(); }
  [[nodiscard]] Endpoint endpoint() const { return port_.v4(); }  // 127.0.0.1:port()
  [[nodiscard]] const Folder& folder() const { return folder_; }
  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::string log() const { return process_.log(); }

  // A new Corefile, where the server reads it at the next reload.
  void write_corefile(std::string_view corefile) const;
  // Asks over UDP; the test fails if no answer comes or ldns cannot decode it.
  [[nodiscard]] Decoded ask(const Question& question) const;
  [[nodiscard]] Decoded ask_tcp(const Question& question) const;
  // What the plugin prometheus exposes at second_port(): all of it, or the value of the series "NAME{LABELS}", -1 where
  // there is none. The test fails if no answer comes.
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] double metric(const std::string& series) const;
  // SIGTERM, and waits for the end.
  ExitStatus stop();

 private:
  [[nodiscard]] std::string filled(std::string_view corefile) const;
  void start(const ServerOptions& options);
  [[nodiscard]] bool answers() const;

  Folder folder_;
  Port port_, second_port_;
  Process process_;
  bool stopped_ = false;
};

}  // namespace swage::tests
