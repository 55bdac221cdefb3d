package operate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	"crmsync/schema/mapping"
)

const (
	accountsOnly = `version: 1
defaults: { reconcile: off }
boards:
  accounts:
    board: 1001
    records:
      account: { object: Account, id_column: text_sfid, fields: { Name: name } }
`
	accountsAndLeads = accountsOnly + `  leads:
    board: 1003
    records:
      lead: { object: Lead, fields: { LastName: { from: name, as: last_name }, Company: { from: company, default: Unknown } } }
`
)

func fingerprint(t *testing.T, text string) string {
	t.Helper()
	m, err := mapping.Parse("m", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m.Fingerprint()
}

// configMap is a mapping file in the form of Kubernetes: a link to a link, the second of which is swapped.
type configMap struct {
	t    *testing.T
	dir  string
	path string
}

func newConfigMap(t *testing.T, text string) *configMap {
	t.Helper()
	c := &configMap{t: t, dir: t.TempDir()}
	c.path = filepath.Join(c.dir, "mapping.yaml")
	c.swap(text)
	if err := os.Symlink(filepath.Join("..data", "mapping.yaml"), c.path); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *configMap) swap(text string) {
	c.t.Helper()
	version, err := os.MkdirTemp(c.dir, "..version-")
	if err != nil {
		c.t.Fatal(err)
	}
	next := filepath.Join(c.dir, "..data_tmp")
	for _, err := range []error{
		os.WriteFile(filepath.Join(version, "mapping.yaml"), []byte(text), 0o600),
		os.Symlink(filepath.Base(version), next),
		os.Rename(next, filepath.Join(c.dir, "..data")),
	} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// processes returns the processes that `crmsync status` lists.
func processes(w *e2e.World) (roles, mappings, faults []string) {
	w.T.Helper()
	code, stdout, stderr := w.Command("status", "--json")
	var now cli.Status
	if err := json.Unmarshal([]byte(stdout), &now); code != cli.ExitDone || err != nil {
		w.T.Fatalf("status: exit code %d, %v: %s", code, err, stderr)
	}
	for _, p := range now.Processes {
		roles = append(roles, p.Role)
		mappings = append(mappings, p.Mapping)
		if p.MappingError != "" {
			faults = append(faults, p.MappingError)
		}
	}
	return roles, mappings, faults
}

// TestReload changes the mapping of running processes: a faulty file is reported and changes nothing, and a valid one
// is loaded by all roles.
func TestReload(t *testing.T) {
	t.Parallel()
	file := newConfigMap(t, accountsOnly)
	w := e2e.Setup(t, e2e.With("MAPPING", file.path))
	w.Start("worker")
	w.Start("ingest")
	w.Subscribe()
	roles, mappings, _ := processes(w)
	before := fingerprint(t, accountsOnly)
	if !slices.Equal(roles, []string{"worker", "ingest"}) || !slices.Equal(mappings, []string{before, before}) {
		t.Errorf("processes %q with the mappings %q", roles, mappings)
	}

	file.swap("version: 1\nboards: {}\nhush: 1\n")
	w.Eventually("both processes report the faulty file", func() bool {
		_, mappings, faults := processes(w)
		return len(faults) == 2 && strings.Contains(faults[0], file.path+":3:1: ") && slices.Equal(mappings, []string{before, before})
	})
	if code, _, stderr := w.Command("status", "--exit-code"); code != cli.ExitFailed || strings.Count(stderr, "the mapping file is faulty") != 2 {
		t.Errorf("status --exit-code: exit code %d, %s", code, stderr)
	}
	if _, _, metrics := w.Get(w.Admin + "/metrics"); !strings.Contains(metrics, "crmsync_mapping_faulty 1\n") {
		t.Error("the metric does not show the faulty file")
	}
	for _, log := range w.Logs {
		if !log.Contains("the mapping file is faulty; the earlier mapping stays in use") {
			t.Error("a log does not report the faulty file")
		}
	}
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	w.Quiet()
	w.Record("Account", item)

	file.swap(accountsAndLeads)
	after := fingerprint(t, accountsAndLeads)
	w.Eventually("both processes have the new mapping", func() bool {
		_, mappings, faults := processes(w)
		return slices.Equal(mappings, []string{after, after}) && faults == nil
	})
	item = w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", nil)
	w.Quiet()
	w.Record("Lead", item)
	if code, _, stderr := w.Command("status", "--exit-code"); code != cli.ExitDone {
		t.Errorf("status --exit-code: exit code %d, %s", code, stderr)
	}
	if _, _, metrics := w.Get(w.Admin + "/metrics"); !strings.Contains(metrics, "crmsync_mapping_faulty 0\n") {
		t.Error("the metric still shows a faulty file")
	}
	w.Healthy()
}

// TestReloadUnderLoad changes the mapping repeatedly while events arrive: no event is lost, fails or is processed
// twice.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	file := newConfigMap(t, accountsOnly)
	w := e2e.Serving(t, e2e.With("MAPPING", file.path))
	var items []int64
	for n := range 4 {
		text := []string{accountsAndLeads, accountsOnly}[n%2]
		file.swap(text)
		want := []string{fingerprint(t, text)}
		w.Eventually("the new mapping is in use", func() bool {
			items = append(items, w.Monday.CreateItem(e2e.Accounts, "Engines", nil))
			_, mappings, _ := processes(w)
			return slices.Equal(mappings, want)
		})
	}
	w.Quiet()
	for _, item := range items {
		w.Record("Account", item)
	}
	w.Healthy()
}

// TestDifferentMappings runs a worker that does not know a board with an ingest that does: the worker leaves the
// board's events to one with the newer mapping.
func TestDifferentMappings(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(accountsOnly))
	w.Start("worker")
	w.Env["MAPPING"] = w.File("newer.yaml", accountsAndLeads)
	w.Start("ingest")
	w.Subscribe()
	item := w.Monday.CreateItem(e2e.Leads, "Ada Lovelace", nil)
	w.Eventually("the old worker has left the event", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE kind = 'item_create' AND (metadata->>'snoozes')::int > 0") == 1
	})
	w.Expect(0, "SELECT count(*) FROM sync_logs")
	w.Start("worker")
	w.Quiet()
	w.Record("Lead", item)
	w.Expect(0, "SELECT count(*) FROM sync_logs WHERE status = 'skipped' AND event = 'create_pulse'")
	if code, stdout, _ := w.Command("status"); code != cli.ExitDone || !strings.Contains(stdout, "2 different mappings are in use\n") {
		t.Errorf("status: exit code %d\n%s", code, stdout)
	}
}
