// WebSocket (RFC 6455) over any Stream, as libp2p uses it (libp2p/specs websockets/README.md): binary messages as a
// flow of bytes, whose bounds mean nothing. Service process. What is said on the wire: upgrade.h and codec.h.
//
// The streams that these give: a read gives 0, again and again, after the other side's close frame; the end of the
// carrier without one is an Error, as is a text message. Pings are answered, by the reader. close() says so in a close
// frame where nothing else waits to be written. Closing, destroying and limits are as with TlsStream.
//
// The upgrade waits as long as the other side lets it: for a deadline, destroy the task or close the carrier.
#pragma once

#include <memory>
#include <string>

#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/result.h"

namespace swage::websocket {

// Asks for the upgrade of `path` ("/") at `host` ("example.com:8080"), without subprotocol or extension. Fails where
// either cannot stand in a request, or the answer is not an upgrade.
[[nodiscard]] async::Task<Result<std::unique_ptr<async::Stream>>> connect(async::Loop& loop,
                                                                          std::unique_ptr<async::Stream> carrier,
                                                                          std::string host, std::string path);

// Waits for a client's upgrade, whatever it asks for. An invalid request is answered 400 or 426, and is an Error.
[[nodiscard]] async::Task<Result<std::unique_ptr<async::Stream>>> accept(async::Loop& loop,
                                                                         std::unique_ptr<async::Stream> carrier);

}  // namespace swage::websocket
