// The directives of p2p-forge, `ipparser` and `acme`, as what they mean in swage's own: so that a Corefile of p2p-forge
// starts as it stands. What they say is documented in plugins/p2p_forge/README.md. The program hands it to the parser.
#pragma once

#include "core/config/parser.h"
#include "core/config/sources.h"

namespace swage::forge {

// Puts into the place of
//
//   ipparser DOMAIN                                    ipsubdomain DOMAIN
//                                                      file zones/DOMAIN DOMAIN      where the block has no `file`
//   acme DOMAIN {                                      acme-txt DOMAIN {
//       registration-domain NAME                           store memory PATH
//           [listen-address=A] [external-tls=B]        }
//       database-type badger PATH                      broker NAME {
//   }                                                      listen A
//                                                          tls off, and what a proxy before it needs; or CERT KEY
//                                                      }
//       database-type dynamo TABLE                         store dynamodb TABLE      instead of `store memory`
//
// A config::Translation. Looks up whether PATH is a folder, and the certificate's variables.
void translate_p2p_forge(config::ServerBlock& block, config::Sources& sources, config::Errors& errors);

}  // namespace swage::forge
