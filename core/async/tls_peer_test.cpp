// TlsStream against OpenSSL itself: its programs, and a plain blocking peer that does what a TlsStream never does.
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include "core/async/event.h"
#include "core/async/stream_testing.h"
#include "core/async/tls.h"
#include "core/async/tls_testing.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::Buffer;
using testing::Connection;
using testing::note;
using testing::one;
using testing::read_to_end;
using testing::run_until;
using testing::run_until_noted;

namespace {

constexpr tests::Milliseconds kPatience{30'000};

const testing::TlsIdentity& identity() {
  static const auto made = testing::make_tls_identity("DNS:site.test,IP:127.0.0.1");
  return made;
}

TlsContext server() { return *TlsContext::server(identity().certificate_pem, identity().key_pem, {"b", "a"}); }
TlsContext libp2p() { return *TlsContext::mutual(identity().certificate_der, identity().key_der, {"libp2p"}); }

// OpenSSL on a blocking socket, on a thread of its own.
class Peer {
 public:
  using Talk = std::function<void(SSL* ssl, int fd)>;

  Peer(int fd, bool as_server, Talk talk, const std::function<void(SSL_CTX*)>& configure = {}) {
    context_.reset(SSL_CTX_new(TLS_method()));
    const auto certificate = testing::detail::parse(identity().certificate_pem);
    const auto key = testing::detail::parse_key(identity().key_pem);
    REQUIRE(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
    if (configure) configure(context_.get());
    thread_ = std::thread([this, fd, as_server, talk = std::move(talk)] {
      const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
      SSL_set_fd(ssl.get(), fd);
      if (as_server) {
        SSL_set_accept_state(ssl.get());
      } else {
        SSL_set_connect_state(ssl.get());
      }
      talk(ssl.get(), fd);
    });
  }
  ~Peer() { thread_.join(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, SSL_CTX_free};
  std::thread thread_;
};

std::string read_text(SSL* ssl, std::size_t size) {
  std::string text(size, '\0');
  std::size_t got = 0;
  for (std::size_t more = 0; got < size && SSL_read_ex(ssl, text.data() + got, size - got, &more) == 1;) got += more;
  text.resize(got);
  return text;
}

void write_text(SSL* ssl, std::string_view text) {
  std::size_t written = 0;
  static_cast<void>(SSL_write_ex(ssl, text.data(), text.size(), &written));
}

std::string handshake(Loop& loop, TlsStream& stream) {
  std::string outcome;
  loop.spawn(note(stream.handshake(), outcome));
  CHECK(run_until_noted(loop, {one(outcome)}));
  return outcome;
}

template <typename T>
Result<T> result_of(Loop& loop, Task<Result<T>> task) {
  std::optional<Result<T>> result;
  loop.spawn(testing::keep(std::move(task), result));
  REQUIRE(run_until(loop, [&] { return result.has_value(); }));
  return *std::move(result);
}

template <typename T>
std::string error_of(Loop& loop, Task<Result<T>> task) {
  const Result<T> result = result_of(loop, std::move(task));
  return result ? "" : result.error().text();
}

Task<Result<std::string>> read_once(Stream& stream) {
  Buffer buffer(100'000);
  CO_TRY(const std::size_t size, co_await stream.read(buffer));
  co_return std::string(as_text(Bytes(buffer).first(size)));
}

// A connection whose other end takes no more, from some time on.
class Deaf : public Stream {
 public:
  Deaf(Loop& loop, std::unique_ptr<Stream> below) : below_(std::move(below)), closed_(loop) {}
  Task<Result<std::size_t>> read(MutableBytes into) override { return below_->read(into); }
  void close() override {
    below_->close();
    closed_.set();
  }
  void stop_listening() { deaf_ = true; }

 private:
  Task<Result<>> write_parts(Parts parts) override {
    if (!deaf_) co_return co_await below_->write(parts[0], parts[1], parts[2], parts[3]);
    co_await closed_.wait();
    co_return fail("closed");
  }

  std::unique_ptr<Stream> below_;
  Event closed_;
  bool deaf_ = false;
};

// A server's side of `connection`, whose other side is the Peer's.
TlsStream serve(Loop& loop, Connection& connection, const TlsContext& context) {
  return TlsStream(loop, std::move(connection.stream), context, TlsSide::server);
}

}  // namespace

TEST_CASE("tls peer: the connection ends without close_notify: truncated, for ever") {
  Loop loop;
  Connection connection(loop);
  TlsStream stream = serve(loop, connection, server());
  const Peer peer(connection.other, false, [](SSL* ssl, int fd) {
    write_text(ssl, "hello");
    shutdown(fd, SHUT_WR);
  });
  REQUIRE(handshake(loop, stream) == "fine");
  CHECK(result_of(loop, read_once(stream)).value() == "hello");
  const std::string error = "TLS: truncated: the connection ended without close_notify";
  CHECK(error_of(loop, read_once(stream)) == error);
  CHECK(error_of(loop, read_once(stream)) == error);
  CHECK(error_of(loop, stream.write(as_bytes("x"))) == error);
}

TEST_CASE("tls peer: close_notify is the end, though the connection goes on") {
  Loop loop;
  Connection connection(loop);
  TlsStream stream = serve(loop, connection, server());
  std::string answer;
  {
    const Peer peer(connection.other, false, [&](SSL* ssl, int) {
      write_text(ssl, "hello");
      SSL_shutdown(ssl);
      answer = read_text(ssl, 6);
    });
    REQUIRE(handshake(loop, stream) == "fine");
    CHECK(result_of(loop, read_to_end(stream)).value() == "hello");
    CHECK(result_of(loop, read_to_end(stream)).value().empty());
    CHECK(error_of(loop, stream.write(as_bytes("answer"))) == "");
  }
  CHECK(answer == "answer");
}

TEST_CASE("tls peer: garbage behind the handshake: an Error for ever, and an alert") {
  Loop loop;
  Connection connection(loop);
  TlsStream stream = serve(loop, connection, server());
  std::atomic<bool> alerted = false;
  {
    const Peer peer(connection.other, false, [&](SSL* ssl, int fd) {
      write_text(ssl, "hello");
      const std::string record(
          "\x17\x03\x03\0\x20"
          "no record of this connection....",
          37);
      if (::write(fd, record.data(), record.size()) < 0) return;
      alerted = read_text(ssl, 1).empty();
    });
    REQUIRE(handshake(loop, stream) == "fine");
    CHECK(result_of(loop, read_once(stream)).value() == "hello");
    const std::string error = "TLS: decryption failed or bad record mac";
    CHECK(error_of(loop, read_once(stream)) == error);
    CHECK(error_of(loop, stream.write(as_bytes("x"))) == error);
    CHECK(error_of(loop, read_once(stream)) == error);
    CHECK(error_of(loop, stream.end_writing()) == error);
  }
  CHECK(alerted);
}

TEST_CASE("tls peer: what is no TLS at all") {
  for (const TlsSide side : {TlsSide::client, TlsSide::server}) {
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string(70'000, '\xff'),
          std::string("\x16\x03\x01\xff\xff", 5), std::string("\x15\x03\x03\0\x02\x02\x28", 7),
          std::string("\x16\x03\x01\0\x05\x01\xff\xff\xff\0", 10), std::string("\x16"), std::string()}) {
      Loop loop;
      Connection connection(loop);
      std::thread writer([&] {
        for (std::size_t sent = 0; sent < bytes.size();) {
          const ssize_t size = ::send(connection.other, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
          if (size <= 0) break;
          sent += static_cast<std::size_t>(size);
        }
        shutdown(connection.other, SHUT_WR);
      });
      TlsStream stream(loop, std::move(connection.stream),
                       side == TlsSide::client ? *TlsContext::unverified_client({}) : server(), side);
      CHECK(handshake(loop, stream).starts_with("TLS handshake: "));
      CHECK(error_of(loop, read_once(stream)).starts_with("TLS handshake: "));
      stream.close();
      writer.join();
    }
  }
}

TEST_CASE("tls peer: versions") {
  struct Case {
    TlsContext context;
    int version;
    bool fine;
  };
  const std::vector<Case> cases = {{server(), TLS1_1_VERSION, false},
                                   {server(), TLS1_2_VERSION, true},
                                   {server(), TLS1_3_VERSION, true},
                                   {libp2p(), TLS1_2_VERSION, false},
                                   {libp2p(), TLS1_3_VERSION, true}};
  for (const Case& c : cases) {
    Loop loop;
    Connection connection(loop);
    TlsStream stream = serve(loop, connection, c.context);
    const auto configure = [&](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, c.version);
      SSL_CTX_set_max_proto_version(context, c.version);
    };
    const auto talk = [](SSL* ssl, int) {
      write_text(ssl, "hello");
      read_text(ssl, 1);
    };
    const Peer peer(connection.other, false, talk, configure);
    CHECK((handshake(loop, stream) == "fine") == c.fine);
    if (c.fine) CHECK(result_of(loop, read_once(stream)).value() == "hello");
    stream.close();
  }
}

TEST_CASE("tls peer: TLS 1.2: renegotiation is refused") {
  Loop loop;
  Connection connection(loop);
  TlsStream stream = serve(loop, connection, server());
  std::atomic<int> renegotiated = -1;
  {
    const auto talk = [&](SSL* ssl, int fd) {
      write_text(ssl, "hello");
      SSL_renegotiate(ssl);
      renegotiated = SSL_do_handshake(ssl) == 1 && SSL_read(ssl, nullptr, 0) >= 0 ? 1 : 0;
      shutdown(fd, SHUT_WR);
    };
    const Peer peer(connection.other, false, talk,
                    [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
    REQUIRE(handshake(loop, stream) == "fine");
    CHECK(result_of(loop, read_once(stream)).value() == "hello");
    CHECK(error_of(loop, read_once(stream)) != "");
    stream.close();
  }
  CHECK(renegotiated == 0);
}

TEST_CASE("tls peer: key updates, asked for in the middle of data in both directions") {
  Loop loop;
  Connection connection(loop);
  TlsStream stream = serve(loop, connection, server());
  std::string got;
  {
    const Peer peer(connection.other, false, [&](SSL* ssl, int) {
      for (int i = 0; i < 100; ++i) {
        write_text(ssl, "there");
        SSL_key_update(ssl, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        got += read_text(ssl, 4);
      }
      SSL_shutdown(ssl);
    });
    REQUIRE(handshake(loop, stream) == "fine");
    for (int i = 0; i < 100; ++i) {
      REQUIRE(result_of(loop, read_once(stream)).value() == "there");
      REQUIRE(error_of(loop, stream.write(as_bytes("back"))) == "");
    }
    CHECK(result_of(loop, read_to_end(stream)).value() == "");
  }
  std::string all;
  for (int i = 0; i < 100; ++i) all += "back";
  CHECK(got == all);
}

TEST_CASE("tls peer: key updates without end from somebody who does not read: bounded, and then not read any more") {
  Loop loop;
  Connection connection(loop);
  const int small = 4096;
  REQUIRE(setsockopt(connection.other, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  auto carrier = std::make_unique<Deaf>(loop, std::move(connection.stream));
  Deaf& deaf = *carrier;
  TlsStream stream(loop, std::move(carrier), server(), TlsSide::server);
  std::atomic<std::size_t> updates = 0;
  std::atomic<bool> stop = false;
  {
    const Peer peer(connection.other, false, [&](SSL* ssl, int) {
      write_text(ssl, "hello");
      while (!stop && SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1) ++updates;
    });
    REQUIRE(handshake(loop, stream) == "fine");
    REQUIRE(result_of(loop, read_once(stream)).value() == "hello");
    deaf.stop_listening();
    std::string read;
    loop.spawn(note(read_once(stream), read));
    std::size_t before = 0, same = 0;
    const bool stalled = run_until(loop, [&] {
      same = updates == before ? same + 1 : 0;
      before = updates;
      return same > 300;
    });
    CHECK(stalled);
    CHECK(before > 1000);
    CHECK(read.empty());
    stop = true;
    stream.close();
    CHECK(run_until_noted(loop, {one(read)}));
  }
}

TEST_CASE("tls peer: writes while the reader is in the middle of a ticket that is cut into records") {
  Loop loop;
  Connection connection(loop);
  auto slow = std::make_unique<testing::Slow>(std::move(connection.stream), 10);
  std::string names = "DNS:a";
  for (int i = 0; i < 40; ++i) names += ",DNS:" + std::string(60, 'a');
  const auto large = testing::make_tls_identity(names);
  TlsStream stream(loop, std::move(slow), *TlsContext::mutual(large.certificate_der, large.key_der, {}),
                   TlsSide::client);
  std::string got;
  std::array<std::string, 2> outcomes;
  {
    const auto talk = [&](SSL* ssl, int) {
      if (SSL_do_handshake(ssl) != 1) return;
      got = read_text(ssl, 5000);
      write_text(ssl, "done");
      SSL_shutdown(ssl);
    };
    const Peer peer(connection.other, true, talk, [](SSL_CTX* context) {
      SSL_CTX_set_max_send_fragment(context, 512);  // a ticket holds the client's certificate
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("x"), 1);
      SSL_CTX_set_cert_verify_callback(context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    });
    REQUIRE(handshake(loop, stream) == "fine");
    const auto write = [](Loop& on, TlsStream& to) -> Task<Result<>> {
      for (int i = 0; i < 5000; ++i) {
        CO_TRY(co_await to.write(as_bytes("p")));
        co_await sleep(on, 0ms);
      }
      co_return {};
    };
    loop.spawn(note(read_to_end(stream), outcomes[0]));
    loop.spawn(note(write(loop, stream), outcomes[1]));
    CHECK(run_until_noted(loop, {one(outcomes[0]), one(outcomes[1])}));
  }
  CHECK(outcomes[0] == "fine");
  CHECK(outcomes[1] == "fine");
  CHECK(got == std::string(5000, 'p'));
}

TEST_CASE("tls peer: which name a server is asked for") {
  for (const auto& [name, asked] : std::vector<std::pair<std::string, std::string>>{
           {"site.test", "site.test"}, {"site.test.", "site.test"}, {"127.0.0.1", ""}, {"::1", ""}, {"", ""}}) {
    Loop loop;
    Connection connection(loop);
    TlsStream stream(loop, std::move(connection.stream), *TlsContext::unverified_client({}), TlsSide::client, name);
    std::string seen;
    {
      const Peer peer(connection.other, true, [&](SSL* ssl, int) {
        SSL_do_handshake(ssl);
        const char* text = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        seen = text == nullptr ? "" : text;
      });
      CHECK(handshake(loop, stream) == "fine");
    }
    CHECK(seen == asked);
  }
}

TEST_CASE("tls peer: libp2p gives no tickets; a server may choose nothing that was not offered") {
  static std::atomic<int> tickets;
  for (const bool of_libp2p : {false, true}) {
    tickets = 0;
    Loop loop;
    Connection connection(loop);
    TlsStream stream = serve(loop, connection, of_libp2p ? libp2p() : server());
    {
      const auto count = [](SSL*, SSL_SESSION*) {
        ++tickets;
        return 0;
      };
      const Peer peer(
          connection.other, false, [](SSL* ssl, int) { read_text(ssl, 5); },
          [&](SSL_CTX* context) {
            SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
            SSL_CTX_sess_set_new_cb(context, count);
          });
      REQUIRE(handshake(loop, stream) == "fine");
      CHECK(error_of(loop, stream.write(as_bytes("hello"))) == "");
    }
    CHECK((tickets == 0) == of_libp2p);
  }
  Loop loop;
  Connection connection(loop);
  TlsStream stream(loop, std::move(connection.stream), *TlsContext::unverified_client({"a"}), TlsSide::client, "");
  const auto choose = [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned, void*) {
    *out = reinterpret_cast<const unsigned char*>("z");
    *size = 1;
    return SSL_TLSEXT_ERR_OK;
  };
  const Peer peer(
      connection.other, true, [](SSL* ssl, int) { SSL_do_handshake(ssl); },
      [&](SSL_CTX* context) { SSL_CTX_set_alpn_select_cb(context, choose, nullptr); });
  CHECK(handshake(loop, stream) == "TLS handshake: bad extension");
}

TEST_CASE("tls peer: openssl s_client, TLS 1.2 and 1.3, with a key update") {
  if (!tests::installed("openssl")) return;
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    Loop loop;
    std::unique_ptr<TlsStream> stream;
    auto listener = TcpListener::listen(loop, testing::loopback(), [&](std::unique_ptr<TcpStream> accepted) {
      stream = std::make_unique<TlsStream>(loop, std::move(accepted), server(), TlsSide::server);
    });
    REQUIRE(listener);
    const tests::Folder folder;
    const std::string fifo = folder.file("input");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const int input = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);  // waits for no reader
    auto client = tests::Process::start({.arguments = {"sh", "-c",
                                                       "exec openssl s_client -alpn a,b " + version + " -connect " +
                                                           (*listener)->local().to_string() + " <" + fifo}});
    REQUIRE(client);
    REQUIRE(run_until(loop, [&] { return stream != nullptr; }));
    REQUIRE(handshake(loop, *stream) == "fine");
    CHECK(stream->alpn() == "b");
    const auto says = [&](const std::string& line) {
      return ::write(input, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    };
    const auto is_echoed = [&](const std::string& line) {
      REQUIRE(says(line));
      std::string got;
      while (got.size() < line.size()) {
        const auto more = result_of(loop, read_once(*stream));
        REQUIRE(more);
        if (more->empty()) break;
        got += *more;
      }
      CHECK(got == line);
      REQUIRE(error_of(loop, stream->write(as_bytes("echo: "), as_bytes(got))) == "");
      CHECK(client->wait_for("echo: " + line, kPatience));
    };
    is_echoed("first\n");
    if (version == "-tls1_3") {
      REQUIRE(says("K\n"));  // a command where nothing else is read with it
      CHECK(client->wait_for("KEYUPDATE", kPatience));
    }
    is_echoed("second\n");
    ::close(input);
    (*listener)->close();
  }
}

TEST_CASE("tls peer: openssl s_server, which is verified") {
  if (!tests::installed("openssl")) return;
  const tests::Folder folder;
  const std::string pem = folder.write("pem", identity().certificate_pem + identity().key_pem);
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const tests::Port port;
    auto process = tests::Process::start({.arguments = {"openssl", "s_server", "-accept", port.v4().to_string(),
                                                        "-cert", pem, "-rev", "-alpn", "a", version}});
    REQUIRE(process);
    REQUIRE(process->wait_for("ACCEPT", kPatience));
    Loop loop;
    auto tcp = std::make_unique<TcpStream>(loop);
    REQUIRE(error_of(loop, tcp->connect(port.v4())) == "");
    TlsStream stream(loop, std::move(tcp), *TlsContext::client(identity().certificate_pem, {"a"}), TlsSide::client,
                     "127.0.0.1");
    REQUIRE(handshake(loop, stream) == "fine");
    CHECK(stream.alpn() == "a");
    CHECK(stream.peer_certificate() == identity().certificate_der);
    CHECK(error_of(loop, stream.write(as_bytes("olleh\n"))) == "");
    CHECK(result_of(loop, read_once(stream)).value() == "hello\n");
  }
}

}  // namespace swage::async
