package cli

import (
	"strings"
	"testing"
	"time"

	"crmsync/schema/store"
)

// TestListLetters: a dead letter is listed with the time at which its job ended, not that at which it was noticed.
func TestListDeadLetters(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	letters := []store.DeadLetter{{JobID: 7, EndedAt: ended, CreatedAt: ended.Add(time.Hour)}}
	var out strings.Builder
	if err := listDeadLetters(&out, letters); err != nil || !strings.Contains(out.String(), "2026-05-06 12:00:00") {
		t.Errorf("listed %v as\n%s", err, &out)
	}
	if got := lettersListed(letters)[0].FailedAt; !got.Equal(ended) {
		t.Errorf("failed_at is %v, want %v", got, ended)
	}
}

// TestOneMoment: a cause with one dead letter has one time.
func TestOneMoment(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	job := int64(7)
	for later, want := range map[time.Duration]string{0: ", at 2026", time.Hour: ", from 2026"} {
		var out strings.Builder
		causeReport{Open: 1, Items: 1, FirstAt: at, LastAt: at.Add(later), Example: &job}.print(&out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%v later:\n%s", later, &out)
		}
	}
}
