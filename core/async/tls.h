// TLS over any Stream, by OpenSSL: TlsContext, how a side behaves, and TlsStream, a connection. The only code that
// includes openssl/ssl.h. Service process.
//
//     CO_TRY(const TlsContext context, TlsContext::client({}, {"http/1.1"}));
//     TlsStream stream(loop, std::move(tcp), context, TlsSide::client, "example.com");
//     CO_TRY(co_await stream.handshake());                     // with a Timer that closes it
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/async/tls_clients.h"
#include "core/bytes.h"
#include "core/result.h"

namespace swage::async {

// A chain of certificates in PEM, the leaf first, and its key in PEM, not encrypted; other blocks in either are
// skipped, so both may be the same text.
struct TlsCertificate {
  std::string_view chain_pem, key_pem;
};

// A key of session tickets, as OpenSSL takes them: 16 bytes of name, 32 for AES-256, 32 for HMAC-SHA-256. All processes
// that have the same ones resume each other's sessions (RFC 5077, RFC 8446 section 2.2).
inline constexpr std::size_t kTicketKey = 80;

// A server of many clients. `tickets`: the keys that are in force now, the first of them for new tickets; asked for
// each. None, or without keys when the context is made: nothing is resumed.
struct TlsServer {
  TlsCertificate certificate;  // an empty chain: none; every handshake fails then, with an alert
  TlsClients clients = TlsClients::none;
  std::string_view authorities{};   // of clients, in PEM
  std::vector<std::string> alpn{};  // clients that offer others only are refused
  std::function<Bytes()> tickets{};
};

// How a side of TLS behaves. A cheap value: copies share what never changes. Neither renegotiation nor compression nor
// early data are ever done. `alpn` holds protocols of 1 to 255 bytes in order of preference (RFC 7301); empty: the
// extension is not used.
class TlsContext {
 public:
  // A server of TLS 1.2 and 1.3: a chain of certificates in PEM, the leaf first, and its key in PEM, not encrypted;
  // other blocks in either are skipped, so both may be the same text. Of the client's protocols it takes the one that
  // `alpn` names first; if none fits it goes on without.
  [[nodiscard]] static Result<TlsContext> server(std::string_view chain_pem, std::string_view key_pem,
                                                 std::vector<std::string> alpn);
  // The same for many clients. Its key exchanges are those that cost the server little: X25519, P-256, P-384.
  [[nodiscard]] static Result<TlsContext> server(const TlsServer& settings);
  // A client of TLS 1.2 and 1.3 that verifies the server's chain, by the authorities in `ca_pem` or by the system's
  // where it is empty, and its name or address (RFC 6125), which the TlsStream must be given. `own`: shown to a server
  // that asks for it.
  [[nodiscard]] static Result<TlsContext> client(std::string_view ca_pem, std::vector<std::string> alpn,
                                                 const std::optional<TlsCertificate>& own = {});
  // A client that verifies nothing: for wss:// to a peer that proves itself inside.
  [[nodiscard]] static Result<TlsContext> unverified_client(std::vector<std::string> alpn);
  // libp2p's (libp2p/specs tls/tls.md), for either side: TLS 1.3 only; both show one certificate, which is not judged
  // here (see TlsStream::peer_certificate()), but whose key must have signed the handshake. Nothing is resumed. A
  // client whose protocols do not fit is refused. The certificate is DER, the key PKCS#8 in DER.
  [[nodiscard]] static Result<TlsContext> mutual(Bytes certificate_der, Bytes key_der, std::vector<std::string> alpn);

 private:
  friend class TlsStream;
  friend class TlsSocket;
  struct State;
  explicit TlsContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

enum class TlsSide { client, server };

// A connection. As with TcpStream, closing or destroying it resumes its waiters with an Error, from the loop; a
// coroutine that is destroyed in the middle of a handshake or a write closes it, in the middle of a read does not. An
// error of TLS is final: all that follows fails with it.
//
// One reads and one writes at a time, and neither waits for the other. It holds at most one read of the carrier (16
// KiB) and 192 KiB that are not written yet; a peer that makes us answer without reading is then not read any more.
class TlsStream : public Stream {
 public:
  // `server_name` is the client's: what is asked for (SNI, RFC 6066; not where it is an IP address) and verified.
  TlsStream(Loop& loop, std::unique_ptr<Stream> carrier, const TlsContext& context, TlsSide side,
            std::string server_name = {});
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // REQUIRES: called once, before anything but close().
  [[nodiscard]] Task<Result<>> handshake();
  // The end (0, again and again) is the other side's close_notify; the end of the carrier without one is an Error.
  [[nodiscard]] Task<Result<std::size_t>> read(MutableBytes into) override;
  // Says close_notify, which is the end for the other side; reading goes on. REQUIRES: no write waits; none follows.
  [[nodiscard]] Task<Result<>> end_writing();
  // Says close_notify, too, where it was not said and nothing else waits to be written.
  void close() override;

  // REQUIRES: the handshake is done.
  [[nodiscard]] std::string alpn() const;                            // the protocol agreed upon, if any
  [[nodiscard]] std::vector<std::uint8_t> peer_certificate() const;  // the leaf in DER, if any

 private:
  struct State;
  [[nodiscard]] Task<Result<>> write_parts(Parts parts) override;

  std::shared_ptr<State> state_;  // shared with the coroutines that wait
};

}  // namespace swage::async
