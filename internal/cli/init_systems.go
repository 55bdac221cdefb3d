package cli

import (
	"context"
	"errors"
	"fmt"

	"crmsync/internal/app"
	"crmsync/internal/doctor"
)

const howDatabase = `  Postgres 14 or later. An empty database and a role that owns it are enough:
    createuser --pwprompt crmsync && createdb --owner crmsync crmsync
`

const howMonday = `  As the user whose rights crmsync has: picture at the top right, Developers, My Access Tokens, Show.
`

const howSalesforce = `  In Setup, as a System Administrator:
    1. External Client App Manager, New External Client App. Name crmsync, Distribution State: Local.
    2. API (Enable OAuth Settings): Enable OAuth; Callback URL https://localhost; scope
       "Manage user data via APIs (api)".
    3. Flow Enablement: Enable Client Credentials Flow. Create.
    4. Policies, Edit: Enable Client Credentials Flow, and Run As the user whose rights crmsync has. Save.
    5. Settings, OAuth Settings: Consumer Key and Secret. A change counts after up to ten minutes.
    6. My Domain: Current My Domain URL, with https:// in front.
`

// errTryAgain means that the findings above say what is wrong.
var errTryAgain = errors.New("that did not work, see above")

// database asks for Postgres and checks it.
func (s *setup) database(ctx context.Context) error {
	s.printTitle("Database", howDatabase)
	known := s.known("DATABASE_URL")
	q := question{name: "DATABASE_URL", text: ", such as postgres://crmsync:password@127.0.0.1:5432/crmsync",
		flag:  "--database-url",
		given: s.command.DatabaseURL, known: known, shown: app.WithoutPassword(known)}
	return s.until(q, func(answer string) error {
		e := app.NewEnvironment(func(name string) string { return map[string]string{"DATABASE_URL": answer}[name] })
		if e.Database(); e.Err() != nil {
			return e.Err()
		}
		c := app.Config{DatabaseURL: answer, DirectURL: s.known("DATABASE_DIRECT_URL"), SchemaUp: true}
		found, db := doctor.Postgres(ctx, c, roleNamed("serve"))
		if db != nil {
			db.Close()
		}
		s.printFindings(found)
		if doctor.Count(found, doctor.Wrong) > 0 {
			return errTryAgain
		}
		s.keep("DATABASE_URL", answer)
		return nil
	})
}

// monday asks for the token and logs in.
func (s *setup) monday(ctx context.Context) error {
	s.printTitle("Monday", howMonday)
	q := question{name: "MONDAY_API_TOKEN", flag: "--monday-token", given: s.command.MondayToken,
		known: s.known("MONDAY_API_TOKEN"), secret: true}
	return s.until(q, func(answer string) error {
		var c app.Config
		e := app.NewEnvironment(s.with("MONDAY_API_TOKEN", answer))
		c.ReadMonday(e)
		if err := e.Err(); err != nil {
			return err
		}
		l, err := app.NewLive(c)
		if err != nil {
			return err
		}
		found := doctor.Monday(ctx, l.Monday)
		s.printFindings(found)
		if doctor.Count(found, doctor.Wrong) > 0 {
			return errTryAgain
		}
		s.keep("MONDAY_API_TOKEN", answer)
		s.live = l
		return nil
	})
}

// with returns the variables, including one that is not accepted yet.
func (s *setup) with(name, answer string) func(string) string {
	return func(asked string) string {
		switch asked {
		case name:
			return answer
		case name + "_FILE":
			return ""
		}
		return s.value(asked)
	}
}

// salesforce asks for the login and checks it. On a terminal, all three answers are asked for again if it fails: any
// may be wrong.
func (s *setup) salesforce(ctx context.Context) error {
	s.printTitle("Salesforce", howSalesforce)
	for {
		if err := s.askSalesforce(); err != nil {
			return err
		}
		var c app.Config
		e := app.NewEnvironment(s.value)
		c.ReadSalesforce(e)
		err := e.Err()
		var l *app.Live
		if err == nil {
			l, err = app.NewLive(c)
		}
		if err == nil {
			found := doctor.Salesforce(ctx, l.Salesforce)
			s.printFindings(found)
			if doctor.Count(found, doctor.Wrong) == 0 {
				s.live.Salesforce = l.Salesforce
				return nil
			}
			err = errTryAgain
		}
		if s.terminal == nil || s.command.SalesforceClientSecret != "" || ctx.Err() != nil {
			return fmt.Errorf("the login to Salesforce: %w", err)
		}
		s.say("✗ %v", err)
	}
}

func (s *setup) askSalesforce() error {
	for _, q := range []question{
		{name: "SALESFORCE_LOGIN_URL", text: ", such as https://example.my.salesforce.com",
			flag: "--salesforce-login-url", given: s.command.SalesforceLoginURL},
		{name: "SALESFORCE_CLIENT_ID", text: ", the consumer key", flag: "--salesforce-client-id",
			given: s.command.SalesforceClientID},
		{name: "SALESFORCE_CLIENT_SECRET", text: ", the consumer secret", flag: "--salesforce-client-secret",
			given: s.command.SalesforceClientSecret, secret: true},
	} {
		if q.known = s.known(q.name); q.secret && s.known("SALESFORCE_PRIVATE_KEY") != "" {
			continue // the JWT bearer flow needs no secret
		}
		if err := s.until(q, func(answer string) error { s.keep(q.name, answer); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// publicAddress asks where Monday reaches crmsync.
func (s *setup) publicAddress(context.Context) error {
	s.printTitle("Public address",
		"  Monday calls crmsync there. A proxy with a certificate, such as Caddy, leads it to INGEST_ADDR.\n"+
			"  It can follow later.\n")
	q := question{name: "INGEST_URL", text: ", such as https://sync.example.org", flag: "--ingest-url",
		given: s.command.IngestURL, known: s.known("INGEST_URL"), optional: true}
	return s.until(q, func(answer string) error {
		if answer == "" {
			return nil
		}
		e := app.NewEnvironment(s.with("INGEST_URL", answer))
		if answer = e.IngestURL(); e.Err() != nil {
			return e.Err()
		}
		s.keep("INGEST_URL", answer)
		return nil
	})
}
