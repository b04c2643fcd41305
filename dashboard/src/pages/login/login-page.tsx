import { useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useLogin } from "../../api/queries";
import { safeReturnPath } from "../../api/query-string";
import { Button } from "../../components/button";
import { FormError, TextField } from "../../components/field";
import { PageHeader } from "../../components/page-header";
import { Entrance, entranceFoot, entranceForm } from "../../layout/entrance";

export function LoginPage() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const login = useLogin();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const next = parameters.get("next");

  return (
    <Entrance>
      <PageHeader
        title="Sign in"
        {...(next === null ? {} : { lead: "Sign in to go on to where you were heading." })}
      />
      <form
        data-test-id="login-form"
        className={entranceForm}
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate(
            { email: email.trim(), password },
            {
              onSuccess: (merchant) => {
                client.clear();
                client.setQueryData(["merchant"], merchant);
                void navigate(safeReturnPath(next), { replace: true });
              },
            },
          );
        }}
      >
        {login.error !== null && <FormError>{login.error.message}</FormError>}
        <TextField
          label="Email"
          data-test-id="email-input"
          type="email"
          name="email"
          placeholder="Email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <TextField
          label="Password"
          data-test-id="password-input"
          type="password"
          name="password"
          placeholder="Password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button data-test-id="login-button" type="submit" look="primary" busy={login.isPending}>
          Login
        </Button>
      </form>
      <p className={entranceFoot}>
        New here? <Link to="/signup">Create an account</Link>
      </p>
    </Entrance>
  );
}
