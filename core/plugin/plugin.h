// The contract between the server and its plugins: what the author of a usual plugin includes, and the only header.
//
// A plugin is a folder below plugins/ with a README.md and a function that the Corefile's directive of that name calls:
//
//     namespace swage::plugins::hello { Result<> setup(Controller& controller); }
//
// and one line in plugins/plugins.def, whose order is the order of the chain. setup() reads the directive's arguments
// (the Controller is a Dispenser of tokens) and adds what answers queries (Plugin), what watches what was answered
// (Observer) and what works in the background (Service). docs/writing-a-plugin.md makes one.
//
// setup() runs in every process of the server, with the same Corefile, and must do the same in each: it reads no file,
// opens no socket and looks at no clock. Where it fails, it may be called again with some of the directive's lines
// alone, to find out what else is wrong; what it adds then is thrown away. Plugins and Observers live in the dns
// processes, Services in the service process, Fetchers in the fetch process.
#pragma once

#include "core/log.h"                  // IWYU pragma: export
#include "core/plugin/answers.h"       // IWYU pragma: export
#include "core/plugin/chain.h"         // IWYU pragma: export
#include "core/plugin/controller.h"    // IWYU pragma: export
#include "core/plugin/fetch.h"         // IWYU pragma: export
#include "core/plugin/fetcher.h"       // IWYU pragma: export
#include "core/plugin/metadata.h"      // IWYU pragma: export
#include "core/plugin/server_block.h"  // IWYU pragma: export
#include "core/plugin/service.h"       // IWYU pragma: export
