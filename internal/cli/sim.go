package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"crmsync/internal/app"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

type simCommand struct {
	MondayAddr          string `help:"Address of the simulated Monday. Default: 127.0.0.1 and a free port." placeholder:"HOST:PORT"`
	SalesforceAddr      string `help:"Address of the simulated Salesforce. Default: 127.0.0.1 and a free port." placeholder:"HOST:PORT"`
	Port                int    `help:"Serve at 127.0.0.1 on this port and the next one, with the same credentials every time." placeholder:"N"`
	Env                 bool   `help:"Print crmsync's own variables, as in an env file, instead of SIM_ names."`
	ComplexityPerMinute int    `help:"Complexity that Monday allows in a minute. 0 means 5,000,000." default:"0" placeholder:"N"`
	State               bool   `help:"Also answer GET /state on both addresses with the current content, as JSON."`
	StateFile           string `help:"Load what both systems hold from this file if it exists, and write it there: every 2 seconds while it changes, and at the end." placeholder:"FILE"`
	SigningSecret       string `help:"Sign Monday's webhooks with this secret, like those of an app." placeholder:"SECRET"`
}

// credentials are the credentials that the simulators accept.
type credentials struct{ token, id, secret string }

// Run serves both simulators until ctx ends.
func (c simCommand) Run(ctx context.Context, p *program) error {
	use, err := c.settle()
	if err != nil {
		return app.UsageError{Err: err}
	}
	monday := mondaysim.New(mondaysim.Config{Token: use.token, SigningSecret: c.SigningSecret,
		ComplexityPerMinute: c.ComplexityPerMinute})
	defer monday.Close()
	salesforce := sfsim.New(sfsim.Config{ClientID: use.id, ClientSecret: use.secret})
	file := &simStateFile{path: c.StateFile, monday: monday, salesforce: salesforce}
	if c.StateFile != "" {
		if err := file.open(); err != nil {
			return err
		}
	}
	mondayURL, stopMonday, err := stage.Host(c.MondayAddr, c.stateful(monday, func() any { return itemsOf(monday) }))
	if err != nil {
		return fmt.Errorf("serving Monday: %w", err)
	}
	defer func() { _ = stopMonday() }()
	salesforceURL, stopSalesforce, err := stage.Host(c.SalesforceAddr,
		c.stateful(salesforce, func() any { return recordsOf(salesforce) }))
	if err != nil {
		return fmt.Errorf("serving Salesforce: %w", err)
	}
	defer func() { _ = stopSalesforce() }()
	c.print(p.stdout, mondayURL, salesforceURL, use)
	if c.StateFile == "" {
		<-ctx.Done()
		return nil
	}
	file.keep(ctx, p.stderr)
	_, _ = stopMonday(), stopSalesforce() // nothing changes after the file is written
	return file.save()
}

// print prints the addresses and credentials as lines of an env file.
func (c simCommand) print(out io.Writer, mondayURL, salesforceURL string, use credentials) {
	names := [5]string{"SIM_MONDAY_URL", "SIM_MONDAY_TOKEN", "SIM_SALESFORCE_URL", "SIM_SALESFORCE_CLIENT_ID",
		"SIM_SALESFORCE_CLIENT_SECRET"}
	if c.Env {
		names = [5]string{"MONDAY_API_URL", "MONDAY_API_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID",
			"SALESFORCE_CLIENT_SECRET"}
	}
	for n, value := range []string{mondayURL + "/v2", use.token, salesforceURL, use.id, use.secret} {
		fmt.Fprintf(out, "%s=%s\n", names[n], value)
	}
	if c.Env && c.SigningSecret != "" {
		fmt.Fprintf(out, "MONDAY_SIGNING_SECRET=%s\n", c.SigningSecret)
	}
}

// settle decides about addresses and credentials.
func (c *simCommand) settle() (credentials, error) {
	use := credentials{rand.Text(), rand.Text(), rand.Text()}
	switch {
	case c.ComplexityPerMinute < 0:
		return use, errors.New("--complexity-per-minute must not be negative")
	case c.Port != 0 && (c.MondayAddr != "" || c.SalesforceAddr != ""):
		return use, errors.New("--port and --monday-addr or --salesforce-addr exclude each other")
	case c.Port < 0 || c.Port > 65534:
		return use, errors.New("--port must be from 1 to 65534")
	case c.Port != 0:
		use = credentials{"simulated-token", "simulated-client-id", "simulated-client-secret"}
		c.MondayAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))
		c.SalesforceAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port+1))
	}
	c.MondayAddr, c.SalesforceAddr = cmp.Or(c.MondayAddr, "127.0.0.1:0"), cmp.Or(c.SalesforceAddr, "127.0.0.1:0")
	return use, nil
}

// stateful returns a simulator that also answers GET /state, if that is wanted.
func (c simCommand) stateful(sim http.Handler, state func() any) http.Handler {
	if !c.State {
		return sim
	}
	mux := http.NewServeMux()
	mux.Handle("/", sim)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		_ = out.Encode(state()) // to a client that left
	})
	return mux
}

// itemsOf returns the items of each board.
func itemsOf(sim *mondaysim.Sim) map[string][]mondaysim.Item {
	items := map[string][]mondaysim.Item{}
	for _, board := range mondaysim.Example() {
		items[strconv.FormatInt(board.ID, 10)] = append([]mondaysim.Item{}, sim.Items(board.ID)...)
	}
	return items
}

// recordsOf returns the records of each object.
func recordsOf(sim *sfsim.Sim) map[string][]map[string]any {
	records := map[string][]map[string]any{}
	for _, object := range sfsim.Standard() {
		records[object.Name] = append([]map[string]any{}, sim.Records(object.Name)...)
	}
	return records
}
