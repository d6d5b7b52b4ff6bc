#include "core/dial/select.h"

#include "core/libp2p/multistream.h"

namespace swage::dial {

namespace multistream = libp2p::multistream;

async::Task<Result<std::string>> select(PushbackStream& stream, Side side, std::vector<std::string> protocols) {
  if (side == Side::dialler) {
    multistream::Initiator initiator(std::move(protocols));
    CO_TRY(co_await converse(initiator, stream));
    co_return initiator.selected();
  }
  multistream::Responder responder(std::move(protocols));
  CO_TRY(co_await converse(responder, stream));
  co_return responder.selected();
}

}  // namespace swage::dial
