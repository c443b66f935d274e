package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// lambda reads rate(5 minutes), or cron(0 8 ? * MON-FRI *), in UTC
// (docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html).
func lambda(expression string) (Schedule, error) {
	kind, rest, opened := strings.Cut(strings.TrimSpace(expression), "(")
	inside, closed := strings.CutSuffix(rest, ")")
	all := strings.Fields(inside)
	switch {
	case opened && closed && kind == "rate":
		return awsRate(all)
	case opened && closed && kind == "cron":
		return awsCron(all)
	}
	return nil, errors.New("expected rate(5 minutes) or cron(0 8 ? * MON-FRI *)")
}

// units holds the units of a rate.
var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// awsRate reads a number and a unit, which is in the plural for any number but 1.
func awsRate(all []string) (Schedule, error) {
	if len(all) != 2 {
		return nil, errors.New("expected a number and a unit, as in rate(5 minutes)")
	}
	n, err := number(all[0], 1, 1_000_000)
	if err != nil {
		return nil, err
	}
	name, plural := strings.CutSuffix(all[1], "s")
	unit, ok := units[name]
	if !ok || plural != (n > 1) {
		return nil, fmt.Errorf("expected minutes, hours or days, or the singular after 1; found %q", all[1])
	}
	return every(time.Duration(n) * unit)
}

// awsCron reads a minute, an hour, a day of the month, a month, a day of the week
// and a year. One of the days must be a question mark.
func awsCron(all []string) (Schedule, error) {
	if len(all) != 6 {
		return nil, fmt.Errorf("expected six fields (minute hour day month weekday year), found %d", len(all))
	}
	if (all[2] == "?") == (all[4] == "?") {
		return nil, errors.New("expected ? for the day of the month or for the day of the week, not for both")
	}
	six := append([]string{"0"}, all[:5]...)
	six[5] = fromSunday(six[5])
	return ofYears(six, all[5], time.UTC)
}

// fromSunday turns AWS's days of the week, which count from 1 for Sunday, into those
// of cron, which count from 0.
func fromSunday(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(days, "-")
		parts[i] = weekday(first)
		if ranged {
			parts[i] += "-" + weekday(last)
		}
		if stepped {
			parts[i] += "/" + step
		}
	}
	return strings.Join(parts, ",")
}

// weekday subtracts 1 from a number and returns anything else as it is. A 0, which
// AWS refuses, becomes a day that cron refuses.
func weekday(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil {
		return text
	}
	if n == 0 {
		n = 8
	}
	return strconv.Itoa(n - 1)
}
