#include "core/async/websocket.h"

namespace swage::async {

Task<Result<std::unique_ptr<Stream>>> connect_websocket(Loop&, std::unique_ptr<Stream>, std::string, std::string) {
  co_return fail("WebSocket: not there yet");
}
Task<Result<std::unique_ptr<Stream>>> accept_websocket(Loop&, std::unique_ptr<Stream>) {
  co_return fail("WebSocket: not there yet");
}

}  // namespace swage::async
