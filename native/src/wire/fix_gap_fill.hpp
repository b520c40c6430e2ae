// The message that takes the place of one that does not leave.
#pragma once

#include <string>
#include <string_view>

namespace pitwire {

/// A SequenceReset-GapFill with the header, and so the MsgSeqNum, of `message`: the venue goes on
/// with the number behind it. `message` is framed, as the session made it.
[[nodiscard]] std::string gap_fill_for(std::string_view message);

}  // namespace pitwire
