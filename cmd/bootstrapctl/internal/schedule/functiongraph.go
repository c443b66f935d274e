package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // CRON_TZ names a time zone, and Windows has no database of them
)

// functiongraph reads a rate such as 3m, 1h or 1d, an interval such as "@every
// 1h30m", or a cron of five or six fields that begins with the seconds; the day
// of the week is optional. CRON_TZ=Asia/Shanghai before the fields sets the
// time zone
// (support.huaweicloud.com/usermanual-functiongraph/functiongraph_01_0908.html).
// The default is the time zone of the region. This package assumes that of
// China.
func functiongraph(expression string) (Schedule, error) {
	all := strings.Fields(expression)
	if len(all) == 2 && all[0] == "@every" {
		return interval(all[1])
	}
	if len(all) == 1 {
		return rate(all[0])
	}
	location, all, err := timeZone(all)
	if err != nil {
		return nil, err
	}
	switch len(all) {
	case 6:
		return ofYears(all, "*", location)
	case 5:
		return ofYears(append(all, "*"), "*", location)
	}
	return nil, fmt.Errorf(`expected a rate such as 3m, an interval such as "@every 3m", or six fields (second minute hour day month weekday), found %d fields`, len(all))
}

// interval reads the Go duration after @every.
func interval(text string) (Schedule, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("expected an interval such as 30m or 1h30m, found %q", text)
	}
	return every(d)
}

// rates holds the units of a rate, and the maximum number for each unit
// (support.huaweicloud.com/intl/en-us/tr-aos/fgs-timereventmap.html).
var rates = map[byte]struct {
	unit    time.Duration
	highest int
}{
	'm': {time.Minute, 60},
	'h': {time.Hour, 24},
	'd': {24 * time.Hour, 30},
}

// rate reads a number with a unit, which has at least one character.
func rate(text string) (Schedule, error) {
	end := len(text) - 1
	r, ok := rates[text[end]]
	if !ok {
		return nil, fmt.Errorf("expected a rate such as 3m, 1h or 1d, found %q", text)
	}
	n, err := number(text[:end], 1, r.highest)
	if err != nil {
		return nil, err
	}
	return every(time.Duration(n) * r.unit)
}

// timeZone removes CRON_TZ from the fields and returns its time zone.
func timeZone(all []string) (*time.Location, []string, error) {
	if len(all) == 0 {
		return china, all, nil
	}
	name, ok := strings.CutPrefix(all[0], "CRON_TZ=")
	if !ok {
		return china, all, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, nil, fmt.Errorf("unknown time zone %q", name)
	}
	return location, all[1:], nil
}
