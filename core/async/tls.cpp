#include "core/async/tls.h"

namespace swage::async {

struct TlsContext::State {};
struct TlsStream::State {};

Result<TlsContext> TlsContext::server(std::string_view, std::string_view, std::vector<std::string>) {
  return fail("TLS: not there yet");
}
Result<TlsContext> TlsContext::client(std::string_view, std::vector<std::string>) { return fail("TLS: not there yet"); }
Result<TlsContext> TlsContext::unverified_client(std::vector<std::string>) { return fail("TLS: not there yet"); }
Result<TlsContext> TlsContext::mutual(Bytes, Bytes, std::vector<std::string>) { return fail("TLS: not there yet"); }

TlsStream::TlsStream(Loop&, std::unique_ptr<Stream>, const TlsContext&, TlsSide, std::string) {}
TlsStream::~TlsStream() = default;
Task<Result<>> TlsStream::handshake() { co_return fail("TLS: not there yet"); }
Task<Result<std::size_t>> TlsStream::read(MutableBytes) { co_return fail("TLS: not there yet"); }
Task<Result<>> TlsStream::end_writing() { co_return fail("TLS: not there yet"); }
Task<Result<>> TlsStream::write_parts(Parts) { co_return fail("TLS: not there yet"); }
void TlsStream::close() {}
std::string TlsStream::alpn() const { return {}; }
std::vector<std::uint8_t> TlsStream::peer_certificate() const { return {}; }

}  // namespace swage::async
