package doctor

import (
	"errors"
	"testing"
	"time"
)

func TestCertificate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]Verdict{20 * 24 * time.Hour: Doubtful, 22 * 24 * time.Hour: Fine, -time.Hour: Doubtful} {
		f := &findings{}
		certificate(f, "https://example.org", now.Add(after), now)
		if len(f.all) != 1 || f.all[0].Verdict != want {
			t.Errorf("%s before the end: %+v, want %s", after, f.all, want)
		}
	}
}

func TestCompareClock(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]Verdict{0: Fine, 4 * time.Second: Fine, -6 * time.Second: Doubtful, 6 * time.Minute: Wrong, -6 * time.Minute: Wrong} {
		f := &findings{}
		compareClock(f, "Monday", ahead, nil)
		if len(f.all) != 1 || f.all[0].Verdict != want {
			t.Errorf("%s ahead: %+v, want %s", ahead, f.all, want)
		}
	}
	f := &findings{}
	if compareClock(f, "Monday", 0, errors.New("no")); f.all[0].Verdict != Doubtful {
		t.Errorf("a clock that was not read: %+v", f.all)
	}
}
