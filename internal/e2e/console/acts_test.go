package console_test

import (
	"fmt"
	"os/user"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestCommandsAreRecorded: acts on the command line are recorded under the user's account, in the same table.
func TestCommandsAreRecorded(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	w.Reject("Lead", "Email", "rejected@example.org")
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("rejected@example.org")})
	w.Quiet()
	job := fmt.Sprint(w.DeadLetter())
	for _, held := range []string{"7", "8"} {
		w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1::text::bigint, 1003, 'held')", held)
	}
	run := func(args ...string) {
		t.Helper()
		if code, _, stderr := w.Command(args...); code != 0 {
			t.Fatalf("%q: exit %d, %s", args, code, stderr)
		}
		w.Quiet()
	}
	const reason = "asked for by the donor"
	run("replay", job, "--reason", reason)
	run("ignore", job, "--reason", reason)
	run("held", "release", "7", "--reason", reason)
	run("held", "drop", "8", "--reason", " "+reason)
	run("apply", "leads", "--item", fmt.Sprint(item), "--yes", "--reason", reason)
	run("erase", "--item", fmt.Sprint(item), "--reason", reason)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"replay job " + job, "ignore job " + job, "release item 7", "drop item 8",
		fmt.Sprintf("apply board leads, item %d", item), fmt.Sprintf("erase item %d", item),
	}
	got := w.Text("SELECT string_agg(act || ' ' || subject, '; ' ORDER BY id) FROM operations WHERE actor = $1 AND via = 'cli' AND reason = $2", me.Username, reason)
	if got != strings.Join(want, "; ") {
		t.Errorf("operations: %s\nwant: %s", got, strings.Join(want, "; "))
	}
	operates.open("/runs").shows(t, me.Username+" replayed job "+job, me.Username+" kept the records of item 8", "“"+reason+"”")
	if code, _, stderr := w.Command("ignore", job, "--reason", strings.Repeat("ä", 301)); code != 2 || !strings.Contains(stderr,
		"--reason: has 301 characters, and may have up to 300") {
		t.Errorf("a long reason: exit %d, %s", code, stderr)
	}
}
