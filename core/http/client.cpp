#include "core/http/client.h"

namespace swage::http {

async::Task<Result<Received>> exchange(async::Stream&, std::string, ClientLimits) { co_return fail("http: not yet"); }

}  // namespace swage::http
