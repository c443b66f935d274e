package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// now is a Monday, 08:30:10 in Beijing.
var now = time.Date(2026, 11, 30, 0, 30, 10, 0, time.UTC)

func TestNext(t *testing.T) {
	for _, row := range []struct{ platform, expression, want string }{
		{"scf", "*/5 * * * * * *", "2026-11-30T00:30:15Z"},
		{"scf", "0 0 9 * * * *", "2026-11-30T01:00:00Z"}, // 9:00 in Beijing
		{"scf", "0 0 2 1 * * *", "2026-11-30T18:00:00Z"}, // December 1 in Beijing
		{"scf", "0 0 9 * * MON-FRI 2026", "2026-11-30T01:00:00Z"},
		{"scf", "0 0 0 * * 0 *", "2026-12-05T16:00:00Z"},     // 0 is Sunday
		{"scf", "0 0 0 15 * MON *", "2026-12-06T16:00:00Z"},  // either day is enough
		{"scf", "0 0 12 1 1 * 2030", "2030-01-01T04:00:00Z"}, // not each year
		{"scf", "0 0 12 1 1 * 2028-2030", "2028-01-01T04:00:00Z"},
		{"scf", "0 0 12 1 1 * 2020,2031", "2031-01-01T04:00:00Z"},
		{"scf", "0 0 12 1 1 * 2020/10", "2030-01-01T04:00:00Z"},
		{"scf", "0 0 12 1 1 * */4", "2030-01-01T04:00:00Z"}, // 1970, 1974, …
		{"scf", "0 0 0 29 2 * *", "2028-02-28T16:00:00Z"},
		{"scf", "0 0 12 1 1 * 2020", "0001-01-01T00:00:00Z"}, // over
		{"scf", "0 9 * * *", "2026-11-30T01:00:00Z"},         // the old form
		{"functiongraph", "3m", "2026-11-30T00:33:10Z"},
		{"functiongraph", "1h", "2026-11-30T01:30:10Z"},
		{"functiongraph", "30d", "2026-12-30T00:30:10Z"},
		{"functiongraph", "@every 1.5h", "2026-11-30T02:00:10Z"},
		{"functiongraph", "0 15 2 * * ?", "2026-11-30T18:15:00Z"},
		{"functiongraph", "0 15 9 * *", "2026-11-30T01:15:00Z"},
		{"functiongraph", "0 0/30 * * * Mon", "2026-11-30T01:00:00Z"},
		{"functiongraph", "CRON_TZ=UTC 0 15 2 * * ?", "2026-11-30T02:15:00Z"},
		{"functiongraph", "CRON_TZ=Europe/Berlin 0 15 2 * * ?", "2026-11-30T01:15:00Z"},
		{"lambda", "rate(1 minute)", "2026-11-30T00:31:10Z"},
		{"lambda", "rate(5 minutes)", "2026-11-30T00:35:10Z"},
		{"lambda", "rate(2 days)", "2026-12-02T00:30:10Z"},
		{"lambda", "cron(0 10 * * ? *)", "2026-11-30T10:00:00Z"},
		{"lambda", "cron(0/10 * ? * MON-FRI *)", "2026-11-30T00:40:00Z"},
		{"lambda", "cron(0 18 ? * 2-6 *)", "2026-11-30T18:00:00Z"}, // 2 is Monday
		{"lambda", "cron(0 18 ? * 1,7/1 *)", "2026-12-05T18:00:00Z"},
		{"lambda", "cron(15 12 ? JAN WED 2027-2028)", "2027-01-06T12:15:00Z"},
		{"lambda", "cron(0 0 1 1 ? 2199)", "2199-01-01T00:00:00Z"},
	} {
		schedule, err := Parse(row.platform, row.expression)
		if err != nil {
			t.Errorf("%s: %v", row.platform, err)
			continue
		}
		if got := schedule.Next(now).UTC().Format(time.RFC3339); got != row.want {
			t.Errorf("%s %q: got %s, want %s", row.platform, row.expression, got, row.want)
		}
	}
}

// TestRepeats checks that each time is later than the one before, over years that
// are left out.
func TestRepeats(t *testing.T) {
	schedule, err := Parse("scf", "0 0 0 1 6,12 * 2026,2030")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for next := schedule.Next(now); !next.IsZero(); next = schedule.Next(next) {
		got = append(got, next.Format(time.DateOnly))
	}
	if want := "2026-12-01 2030-06-01 2030-12-01"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrors(t *testing.T) {
	for _, row := range []struct{ platform, expression, want string }{
		{"azure", "* * * * *", `unknown platform "azure"`},
		{"scf", "", "expected seven fields"},
		{"scf", "0 0 9 * * *", "found 6"},
		{"scf", "60 * * * * * *", "above maximum"},
		{"scf", "0 0 9 * * 7 *", "above maximum"},
		{"scf", ", * * * * * *", `cannot read the field ","`},
		{"scf", "0,,1 * * * * * *", `cannot read the field "0,,1"`},
		{"scf", "*/0 * * * * * *", "step"},
		{"scf", "0 0 0 30 2 * *", "it never fires"},
		{"scf", "0 0 0 29 2 * 2027", "it never fires"},
		{"scf", "0 0 0 1 1 * 1969", "cannot read the years"},
		{"scf", "0 0 0 1 1 * 2030-2020", "cannot read the years"},
		{"scf", "0 0 0 1 1 * 2020/0", "cannot read the years"},
		{"scf", "0 0 0 1 1 * x", "cannot read the years"},
		{"scf", "0 0 0 L * * *", ErrUnsupported.Error()},
		{"scf", "0 0 0 15W * * *", ErrUnsupported.Error()},
		{"functiongraph", "", "found 0 fields"},
		{"functiongraph", "3", "expected a rate"},
		{"functiongraph", "61m", "expected a number from 1 to 60"},
		{"functiongraph", "0d", "expected a number from 1 to 30"},
		{"functiongraph", "m", "expected a number from 1 to 60"},
		{"functiongraph", "@every", "expected a rate"},
		{"functiongraph", "@every day", "expected an interval"},
		{"functiongraph", "@every 5ms", "one second or more"},
		{"functiongraph", "@every -5m", "one second or more"},
		{"functiongraph", "@daily", "expected a rate"},
		{"functiongraph", "CRON_TZ=Moon 0 15 2 * * ?", `unknown time zone "Moon"`},
		{"functiongraph", "CRON_TZ= 0 15 2 * * ?", `unknown time zone ""`},
		{"functiongraph", "CRON_TZ=UTC 0 15", "found 2 fields"},
		{"functiongraph", "TZ=UTC", "expected a rate"},
		{"lambda", "0 10 * * ? *", "expected rate(5 minutes)"},
		{"lambda", "rate(5 minutes", "expected rate(5 minutes)"},
		{"lambda", "rate(5)", "a number and a unit"},
		{"lambda", "rate(0 minutes)", "expected a number"},
		{"lambda", "rate(1 minutes)", "the singular after 1"},
		{"lambda", "rate(5 minute)", "the singular after 1"},
		{"lambda", "rate(5 weeks)", "expected minutes, hours or days"},
		{"lambda", "cron(0 10 * * ?)", "expected six fields"},
		{"lambda", "cron(0 10 * * * *)", "expected ?"},
		{"lambda", "cron(0 10 ? * ? *)", "expected ?"},
		{"lambda", "cron(0 10 ? * 0 *)", "above maximum"},
		{"lambda", "cron(0 10 ? * 8 *)", "above maximum"},
		{"lambda", "cron(0 10 ? * 6L *)", ErrUnsupported.Error()},
		{"lambda", "cron(0 10 ? * 6#3 *)", ErrUnsupported.Error()},
	} {
		_, err := Parse(row.platform, row.expression)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %q: got error %v, want %q", row.platform, row.expression, err, row.want)
		}
		if (row.want == ErrUnsupported.Error()) != errors.Is(err, ErrUnsupported) {
			t.Errorf("%s %q: %v: is ErrUnsupported: %v", row.platform, row.expression, err, errors.Is(err, ErrUnsupported))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 0 9 * * MON-FRI 2026", "CRON_TZ=UTC 0 15 2 * * ?", "3m", "@every 1h", "rate(5 minutes)", "cron(0 10 ? * 2-6 *)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		for platform := range platforms {
			schedule, err := Parse(platform, expression)
			if err != nil {
				continue
			}
			if next := schedule.Next(now); !next.IsZero() && !next.After(now) {
				t.Errorf("%s %q: the next time after %v is %v", platform, expression, now, next)
			}
		}
	})
}
