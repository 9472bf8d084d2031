// A second translation unit: what the header defines may be in both, and it may be included twice.
#include "wxlink.hpp"
#include "wxlink.hpp"

std::size_t items_of(const wxlink::result &list);
std::size_t items_of(const wxlink::result &list) { return list.items().size(); }
