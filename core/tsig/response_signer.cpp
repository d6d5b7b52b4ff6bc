#include "core/tsig/response_signer.h"

#include <ctime>

namespace swage::tsig {
namespace {

class ResponseSigner : public dns::MessageSigner {
 public:
  explicit ResponseSigner(const Request& request) : signer_(request) {}

  std::size_t room() const override { return signer_.room(); }
  std::size_t sign(MutableBytes memory, std::size_t size) override { return signer_.sign(memory, size, wall_clock()); }

 private:
  Signer signer_;
};

}  // namespace

std::uint64_t wall_clock() { return static_cast<std::uint64_t>(std::time(nullptr)); }

std::unique_ptr<dns::MessageSigner> response_signer(const Request& request) {
  return std::make_unique<ResponseSigner>(request);
}

void refuse_key(const dns::Query& query, dns::Response& response) {
  const Request request = verify_request(query.message, Ring(), 0);
  const bool is_malformed = request.status != Status::badkey;
  response.rcode = is_malformed ? dns::Rcode::formerr : dns::Rcode::notauth;
  if (!is_malformed) response.signer = response_signer(request);
}

}  // namespace swage::tsig
