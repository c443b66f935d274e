package schedule

import (
	"fmt"
	"strings"
	"time"
)

// china is the time zone of SCF's timers, and of FunctionGraph's timers in
// China. SCF's documents name no time zone; users of its timers report UTC+8
// (uniapp.dcloud.net.cn/uniCloud/trigger.html). A fixed zone needs no database
// of time zones; China has no summer time.
var china = time.FixedZone("UTC+8", 8*60*60)

// scf reads the seven fields of SCF: the six fields of a cron expression with
// seconds, and the years. An older form has five fields and begins with the
// minutes. If a day of the month and a day of the week are given, the timer
// fires when either matches (cloud.tencent.com/document/product/583/9708).
func scf(expression string) (Schedule, error) {
	all := strings.Fields(expression)
	switch len(all) {
	case 7:
		return ofYears(all[:6], all[6], china)
	case 5:
		return ofYears(append([]string{"0"}, all...), "*", china)
	}
	return nil, fmt.Errorf("expected seven fields (second minute hour day month weekday year), found %d", len(all))
}
