// A second translation unit that includes the header, twice: its definitions must not clash.
// clang-format off: it would remove the second line.
#include "wxlink.hpp"
#include "wxlink.hpp"
// clang-format on

std::size_t items_of(const wxlink::result &list);
std::size_t items_of(const wxlink::result &list) { return list.items().size(); }
