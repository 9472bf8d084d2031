// A second translation unit that includes the header, twice: its definitions must not clash.
#include "wxlink.hpp"
#include "wxlink.hpp"

std::size_t items_of(const wxlink::result &list);
std::size_t items_of(const wxlink::result &list) { return list.items().size(); }
