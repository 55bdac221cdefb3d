package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestSim runs the program against the simulators as a developer does, with what `crmsync sim` prints.
func TestSim(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	printed := &e2e.LogBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{"sim", "--complexity-per-minute", "100000"}, func(string) string { return "" }, printed, io.Discard)
	}()
	w.Eventually("the simulators serve", func() bool { return strings.Count(printed.String(), "\n") == 5 })
	said := map[string]string{}
	for line := range strings.Lines(printed.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		said[name] = value
	}
	for variable, name := range map[string]string{
		"MONDAY_API_URL": "SIM_MONDAY_URL", "MONDAY_API_TOKEN": "SIM_MONDAY_TOKEN", "SALESFORCE_LOGIN_URL": "SIM_SALESFORCE_URL",
		"SALESFORCE_CLIENT_ID": "SIM_SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET": "SIM_SALESFORCE_CLIENT_SECRET",
	} {
		if w.Env[variable] = said[name]; said[name] == "" {
			t.Errorf("%s is not printed:\n%s", name, printed)
		}
	}
	if !strings.HasSuffix(said["SIM_MONDAY_URL"], "/v2") {
		t.Errorf("SIM_MONDAY_URL=%s, want one that ends in /v2", said["SIM_MONDAY_URL"])
	}
	w.Start("serve")

	ask := func(query string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, said["SIM_MONDAY_URL"], bytes.NewBufferString(`{"query":"`+query+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", said["SIM_MONDAY_TOKEN"])
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for _, board := range []string{"1001", "1002", "1003"} {
		if answer := ask(`mutation { create_webhook(board_id: ` + board + `, event: create_item, url: \"` + w.Ingest + `\") { id } }`); strings.Contains(answer, "errors") {
			t.Fatalf("subscribing: %s", answer)
		}
	}
	ask(`mutation { create_item(board_id: 1001, item_name: \"Engines\") { id } }`)
	w.Eventually("the item shows the Id of its record", func() bool {
		return strings.Contains(ask(`{ boards(ids: [1001]) { items_page { items { column_values(ids: [\"text_sfid\"]) { text } } } } }`), `"text":"001`)
	})
	w.Healthy()
	cancel()
	ended(t, code)
}

// TestSimEnv checks that `crmsync sim --env` prints an env file, which is always the same for the same port.
func TestSimEnv(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	port := freePorts(t)
	var before string
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		printed := &e2e.LogBuffer{}
		code := make(chan int, 1)
		go func() {
			code <- cli.Run(ctx, []string{"sim", "--env", "--state", "--port", port}, func(string) string { return "" }, printed, printed)
		}()
		w.Eventually("the simulators serve", func() bool { return strings.Count(printed.String(), "\n") == 5 })
		if before != "" && printed.String() != before {
			t.Errorf("printed\n%s\nand before\n%s", printed, before)
		}
		before = printed.String()
		w.Env = map[string]string{"CRMSYNC_ENV": w.File("settings", before)}
		if got, stdout, stderr := w.Command("boards"); got != cli.ExitDone || !strings.Contains(stdout, "1001") {
			t.Errorf("boards: exit code %d, %s%s", got, stdout, stderr)
		}
		for variable, want := range map[string]string{"MONDAY_API_URL": `"1001": []`, "SALESFORCE_LOGIN_URL": `"Account": []`} {
			_, address, _ := strings.Cut(before, variable+"=")
			address, _, _ = strings.Cut(address, "\n")
			if _, _, state := w.Get(strings.TrimSuffix(address, "/v2") + "/state"); !strings.Contains(state, want) {
				t.Errorf("the state at %s: %s", address, state)
			}
		}
		cancel()
		ended(t, code)
	}
	for _, args := range [][]string{{"--port", "70000"}, {"--port", "1", "--monday-addr", "127.0.0.1:0"}} {
		if code, _, _ := w.Command(append([]string{"sim"}, args...)...); code != cli.ExitUsage {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}

// TestSimStateFile stops and kills `crmsync sim --state-file`, and expects it to continue where it was.
func TestSimStateFile(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	path := filepath.Join(t.TempDir(), "sim.json")
	const create = `{"query":"mutation { create_item(board_id: 1001, item_name: \"Engines\") { id } }"}`
	var last []string // the state of both, as it was before the last stop
	for _, items := range []int{1, 2, 3} {
		sim := startSim(w, "--state", "--state-file", path)
		now := sim.state()
		if last != nil && !slices.Equal(now, last) {
			t.Errorf("loaded\n%s\nwant\n%s", now, last)
		}
		sim.post(sim.monday+"/v2", "simulated-token", create)
		sim.createRecord()
		last = sim.state()
		if n := strings.Count(last[0], "8400000"); n != items {
			t.Errorf("%d items, want %d:\n%s", n, items, last[0])
		}
		if items == 2 { // as after a kill, only what is written while it runs is left
			w.Eventually("the file has the second item", func() bool { return strings.Count(contentOf(t, path), `"id":8400000`) == 2 })
			w.Eventually("the file has the second record", func() bool { return strings.Count(contentOf(t, path), `"LastName":"Lovelace"`) == 2 })
			text := contentOf(t, path)
			sim.stop()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		sim.stop()
	}
	good := contentOf(t, path)
	for text, want := range map[string]string{
		"":                          "is damaged: unexpected end of JSON input; restore the file from a copy",
		good[:100]:                  "is damaged: unexpected end of JSON input; restore the file from a copy",
		"{}":                        "is not a state file of crmsync sim",
		`{"crmsync_sim_version":1}`: "is damaged: the part of one system is missing",
		strings.Replace(good, `"crmsync_sim_version":1`, `"crmsync_sim_version":7`, 1): "is a state file of version 7, and this crmsync reads version 1",
		strings.Replace(good, `"name":"Engines"`, `"nam":"Engines"`, 1):                `is damaged: json: unknown field "nam"`,
		strings.Replace(good, `"state":"active"`, `"state":"lost"`, 1):                 `is damaged: monday: item 8400000001: an item cannot be "lost"`,
	} {
		bad := w.File("bad.json", text)
		code, _, stderr := w.Command("sim", "--state-file", bad)
		if code != cli.ExitFailed || !strings.Contains(stderr, bad) || !strings.Contains(stderr, want) {
			t.Errorf("%.40q: exit code %d, %s, want %s", text, code, stderr, want)
		}
		if contentOf(t, bad) != text {
			t.Errorf("%.40q was overwritten", text)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "missing", "sim.json")
	if code, _, stderr := w.Command("sim", "--state-file", nowhere); code != cli.ExitFailed || !strings.Contains(stderr, nowhere) {
		t.Errorf("a folder that does not exist: exit code %d, %s", code, stderr)
	}
}

// simulators are a running `crmsync sim`.
type simulators struct {
	*e2e.World
	monday, salesforce string
	stop               func()
}

func startSim(w *e2e.World, args ...string) *simulators {
	ctx, cancel := context.WithCancel(w.T.Context())
	printed := &e2e.LogBuffer{}
	code := make(chan int, 1)
	port := freePorts(w.T)
	args = append([]string{"sim", "--port", port}, args...)
	go func() { code <- cli.Run(ctx, args, func(string) string { return "" }, printed, printed) }()
	w.Eventually("the simulators serve", func() bool { return strings.Count(printed.String(), "\n") == 5 })
	s := &simulators{World: w, stop: func() {
		cancel()
		ended(w.T, code)
	}}
	for line := range strings.Lines(printed.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "SIM_MONDAY_URL":
			s.monday = strings.TrimSuffix(value, "/v2")
		case "SIM_SALESFORCE_URL":
			s.salesforce = value
		}
	}
	return s
}

func (s *simulators) state() []string {
	_, _, monday := s.Get(s.monday + "/state")
	_, _, salesforce := s.Get(s.salesforce + "/state")
	return []string{monday, salesforce}
}

func (s *simulators) createRecord() {
	s.T.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"simulated-client-id"},
		"client_secret": {"simulated-client-secret"}}
	resp, err := http.PostForm(s.salesforce+"/services/oauth2/token", form)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	var session struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&session); err != nil {
		s.T.Fatal(err)
	}
	s.post(s.salesforce+"/services/data/v67.0/sobjects/Lead", "Bearer "+session.Token,
		`{"LastName": "Lovelace", "Company": "Engines"}`)
}

func (s *simulators) post(address, authorization, body string) {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 || strings.Contains(string(answer), `"errors":[{`) {
		s.T.Fatalf("%s answered %d %s %v", address, resp.StatusCode, answer, err)
	}
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// freePorts returns the first of two consecutive free ports. They are below those that the system gives to connections
// and listeners, which would take them before they are used.
func freePorts(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := 20_000 + 2*rand.IntN(6_000)
		if isFree(port) && isFree(port+1) {
			return strconv.Itoa(port)
		}
	}
	t.Fatal("there are no two free ports in a row")
	return ""
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		listener.Close()
	}
	return err == nil
}

func ended(t *testing.T, code <-chan int) {
	t.Helper()
	select {
	case got := <-code:
		if got != cli.ExitDone {
			t.Errorf("exit code %d, want 0", got)
		}
	case <-time.After(e2e.Patience):
		t.Error("the simulators do not stop")
	}
}
