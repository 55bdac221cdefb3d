package operate_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
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

// freePorts returns the first of two consecutive free ports.
func freePorts(t *testing.T) string {
	t.Helper()
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1)))
		first.Close()
		if err == nil {
			second.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("there are no two free ports in a row")
	return ""
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
