#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "core/dnstap/ring.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::dnstap {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"dnstap", &setup}};

std::string setup_error(std::string_view lines) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n dnstap {}\n}}", lines));
}

PluginHarness::Rest answers() {
  return [](const Query& query, Response& response) -> Result<Outcome> {
    if (query.qtype == dns::Type::mx) return Outcome::drop;
    return answer_text(query, response, 60, "hello");
  };
}

// What is in the ring of the process: "client -> server PROTO zone QUERY RESPONSE extra", sizes of the messages.
std::string recorded(const PluginHarness& harness, swage::dnstap::RingReader& reader) {
  const auto& memories = harness.configuration().worker_memories;
  const auto own = std::ranges::find_if(memories, [](const auto& each) { return each.first.starts_with("dnstap"); });
  REQUIRE(own != memories.end());
  swage::dnstap::RingReader::Batch batch;
  reader.read(own->second->all().at(0), 1 << 16, batch);
  std::string text;
  for (const auto& event : batch.events) {
    text += fmt::format("{} {} {} {} {} {} {} {}\n", event.client.to_string(), event.answered ? "<->" : "->",
                        event.server.to_string(), event.is_tcp ? "TCP" : "UDP",
                        dns::NameView(event.zone.data(), event.zone.size()).to_string(), event.query.size(),
                        event.response.size(), as_text(event.extra));
  }
  return text;
}

// A consumer on a Unix socket, which says what it is told to and keeps what it gets. Each connection gets the next of
// `openings`, the last one again and again.
class Consumer {
 public:
  Consumer(std::string path, std::vector<std::string> openings)
      : path_(std::move(path)), openings_(std::move(openings)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Consumer() {
    stopping_ = true;
    shutdown(socket_, SHUT_RDWR);
    if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
    thread_.join();
    close(socket_);
    unlink(path_.c_str());
  }

  // All that came, of all connections.
  [[nodiscard]] std::string got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  [[nodiscard]] int connections() const { return connections_; }
  void hang_up() const { shutdown(connection_, SHUT_RDWR); }

 private:
  void serve() {
    while (!stopping_) {
      const int connection = accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      connection_ = connection;
      const auto index = std::min(static_cast<std::size_t>(connections_++), openings_.size() - 1);
      const std::string& opening = openings_[index];
      static_cast<void>(!send(connection, opening.data(), opening.size(), MSG_NOSIGNAL));
      std::array<char, 4096> buffer;
      for (ssize_t size; !opening.empty() && (size = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
        const std::lock_guard lock(mutex_);
        got_.append(buffer.data(), static_cast<std::size_t>(size));
      }
      connection_ = -1;
      close(connection);
    }
  }

  std::string path_;
  std::vector<std::string> openings_;
  int socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::atomic<int> connection_ = -1, connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::string got_;
  std::thread thread_;
};

const std::string kAccept = "\0\0\0\0\0\0\0\x22\0\0\0\1\0\0\0\1\0\0\0\x16protobuf:dnstap.Dnstap"s;

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

TEST_CASE("dnstap: setup") {
  for (const char* const lines :
       {"/run/tap.sock", "unix:///run/tap.sock full", "tcp://127.0.0.1:6000 full 1024 4096", "tcp://example.com:6000",
        "tls://[::1]:6000 full 2 {\n skipverify\n identity a\n version b\n extra \"{name} {/a/b}\"\n as auth\n}"}) {
    INFO(lines);
    CHECK(setup_error(lines) == "");
  }
  CHECK(setup_error("") == "Corefile:2: dnstap: expected the socket of a consumer after 'dnstap'");
  CHECK(setup_error("unix://") == "Corefile:2: dnstap: the path of a socket has 1 to 107 bytes");
  CHECK(setup_error("/" + std::string(107, 'x')) == "Corefile:2: dnstap: the path of a socket has 1 to 107 bytes");
  CHECK(setup_error("tcp://127.0.0.1") == "Corefile:2: dnstap: expected HOST:PORT after 'tcp://'");
  CHECK(setup_error("tls://a_b%:1") == "Corefile:2: dnstap: 'a_b%' is neither a host name nor an address");
  CHECK(setup_error("tcp://a:0") == "Corefile:2: dnstap: '0' is not a port");
  CHECK(setup_error("listen tcp://127.0.0.1:6000") ==
        "Corefile:2: dnstap: 'listen' is not supported: dnstap connects to its consumer");
  CHECK(setup_error("/a fall") ==
        "Corefile:2: dnstap: unexpected 'fall'; expected [full] [WRITEBUFFER] [QUEUE], 1 to 1024 and 1 to 4096");
  CHECK(setup_error("/a full 0").starts_with("Corefile:2: dnstap: unexpected '0'; "));
  CHECK(setup_error("/a full 1 4097").starts_with("Corefile:2: dnstap: unexpected '4097'; "));
  CHECK(setup_error("/a full 1 1 1").starts_with("Corefile:2: dnstap: unexpected '1'; "));
  CHECK(setup_error("/a {\n as resolver\n}") == "Corefile:3: dnstap: as: expected 'client' or 'auth', not 'resolver'");
  CHECK(setup_error("/a {\n identity " + std::string(256, 'x') + "\n}") ==
        "Corefile:3: dnstap: identity: more than 255 bytes");
  CHECK(
      setup_error("/a {\n tls a b\n}").starts_with("Corefile:3: dnstap: unknown property 'tls'; expected identity, "));
}

TEST_CASE("dnstap: what is asked and answered is written down") {
  PluginHarness full(kPlugins, "example.org {\n dnstap /tap full {\n  extra \"{name} {rcode}\"\n }\n}", answers());
  swage::dnstap::RingReader reader;
  static_cast<void>(full.ask("a.example.org. TXT"));
  CHECK(recorded(full, reader) ==
        fmt::format("192.0.2.7:50000 <-> 192.0.2.1:53 UDP example.org. {} {} a.example.org. NOERROR\n",
                    full.query().message.size(), full.sent().size()));
  CHECK(full.ask("b.example.org. MX") == "drop");
  CHECK(recorded(full, reader) == fmt::format("192.0.2.7:50000 -> 192.0.2.1:53 UDP example.org. {} 0 b.example.org. "
                                              "REFUSED\n",
                                              full.query().message.size()));

  PluginHarness brief(kPlugins, ". {\n dnstap /tap\n}", answers());
  swage::dnstap::RingReader other;
  brief.arrival.transport = dns::Transport::tcp;
  brief.arrival.client.address = *IpAddress::parse("2001:db8::1");
  static_cast<void>(brief.ask("a.example.org. TXT"));
  CHECK(recorded(brief, other) == "[2001:db8::1]:50000 <-> 192.0.2.1:53 TCP . 0 0 \n");
}

TEST_CASE("dnstap: a consumer gets it; one that hangs up is tried again") {
  const tests::Folder folder;
  const std::string path = folder.file("tap");
  PluginHarness harness(kPlugins, ". {\n dnstap " + path + " full {\n  identity me\n  version v1\n }\n}", answers());
  harness.arrival.received = std::numeric_limits<std::int64_t>::max() / 4;
  tests::LogCapture log;
  Consumer consumer(path, {kAccept});
  int step = 0;
  CHECK(tests::run_until(harness.service(), 5ms, [&] {
    switch (step) {
      case 0:
        if (consumer.connections() == 0) return false;
        static_cast<void>(harness.ask("a.example.org. TXT"));
        ++step;
        return false;
      case 1:
        if (count(consumer.got(), "\x0a\x02me\x12\x02v1") != 2) return false;
        consumer.hang_up();
        ++step;
        return false;
      case 2:
        if (consumer.connections() < 2) return false;
        static_cast<void>(harness.ask("b.example.org. TXT"));
        ++step;
        return false;
      default:
        return count(consumer.got(), "\x0a\x02me\x12\x02v1") == 4;
    }
  }));
  CHECK(count(consumer.got(), "\1a\7example\3org") == 2);
  CHECK(count(consumer.got(), "\1b\7example\3org") == 2);
  const std::string connected = "[INFO] plugin/dnstap: " + path + ": connected\n";
  CHECK(log.take() ==
        connected + "[WARNING] plugin/dnstap: " + path + ": it has closed the connection; trying again\n" + connected);
  CHECK(harness.metrics_text().find("swage_dnstap_messages_total{endpoint=\"" + path + "\"} 4\n") != std::string::npos);
}

TEST_CASE("dnstap: whatever a consumer says instead of ACCEPT, it is said once, and tried again") {
  const tests::Folder folder;
  const std::string path = folder.file("tap");
  PluginHarness harness(kPlugins, ". {\n dnstap " + path + "\n}", answers());
  tests::LogCapture log;
  Consumer consumer(path, {"HTTP/1.1 400 Bad Request\r\n", "\0\0\0\0\0\0\0\4\0\0\0\5"s, kAccept});
  CHECK(tests::run_until(harness.service(), 5ms, [&] {
    return harness.metrics_text().find("swage_dnstap_connections{endpoint=\"" + path + "\"} 1\n") != std::string::npos;
  }));
  const std::string said = log.take();
  CHECK(said.starts_with("[WARNING] plugin/dnstap: " + path + ": it does not speak Frame Streams; trying again\n"));
  CHECK(said.ends_with("[INFO] plugin/dnstap: " + path + ": connected\n"));
  CHECK(said.find("it does not begin with ACCEPT; trying again\n") != std::string::npos);
  CHECK(count(said, "\n") == 3);
}

TEST_CASE("dnstap: what it is told when it is to end, the consumer hears") {
  const tests::Folder folder;
  PluginHarness harness(kPlugins, ". {\n dnstap " + folder.file("tap") + "\n}", answers());
  harness.arrival.received = std::numeric_limits<std::int64_t>::max() / 4;
  tests::LogCapture log;
  Consumer consumer(folder.file("tap"), {kAccept});
  tests::LoopHost host;
  bool ended = false;
  const auto run = [](Service& service, Host& of, bool& done) -> async::Task<> {
    static_cast<void>(co_await service.run(of));
    done = true;
  };
  static_cast<void>(harness.ask("a.example.org. TXT"));
  host.loop().spawn(run(harness.service(), host, ended));
  async::Timer stop(host.loop(), [&] { host.stop(); });
  stop.start(50ms);
  async::Timer end(host.loop(), [&] {
    if (ended) return host.loop().stop();
    end.start(5ms);
  });
  end.start(5ms);
  host.loop().run();
  CHECK(consumer.got().ends_with("\0\0\0\0\0\0\0\4\0\0\0\3"s));
  CHECK(count(consumer.got(), "swage-") == 2);
}

}  // namespace swage::plugins::dnstap
