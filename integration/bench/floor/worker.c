// A resident worker that answers each event with itself.
#include "bytes.h"
#include "frames.h"

enum { results = 3 };

int main(void) {
	static struct frame event;
	char head[256], id[64];
	write_both(results, "{\"ready\":true}\n", 15, "", 0);
	for (;;) {
		read_frame(0, &event);
		char *at = strstr(event.message.at, "\"id\":\"");
		if (!at || sscanf(at + 6, "%63[^\"]", id) != 1)
			die("no id");
		int n = snprintf(head, sizeof head, "{\"id\":\"%s\",\"length\":%zu}\n", id, event.len);
		write_both(results, head, n, event.body, event.len);
	}
}
