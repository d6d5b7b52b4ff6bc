#include "core/async/resolver.h"

namespace swage::async {

bool is_host_name(std::string_view) { return false; }

Resolver::Resolver(Loop& loop) : Resolver(loop, Settings{}) {}
Resolver::Resolver(Loop& loop, Settings settings) : loop_(loop), settings_(std::move(settings)) {}
Resolver::~Resolver() = default;

Task<Result<std::vector<IpAddress>>> Resolver::resolve(std::string name, Family) {
  co_return fail("{}: not resolved yet", name);
}

}  // namespace swage::async
