import { Tabs } from "@base-ui/react/tabs";
import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./button";
import styles from "./code-block.module.css";
import { CopyButton } from "./copy-button";

export interface Snippet {
  language: string;
  code: string;
}

interface CodeBlockProps {
  /** What the code does, for the copy button and screen readers: "create order". */
  name: string;
  snippets: readonly Snippet[];
  /** Blurred in the code until asked for; copying always takes the whole. */
  secret?: string;
  testId: string;
}

/** Code in one language or several. There is one <pre> at a time, with the code that is shown. */
export function CodeBlock({ name, snippets, secret, testId }: CodeBlockProps) {
  const [language, setLanguage] = useState(snippets[0]?.language);
  const [shown, setShown] = useState(false);
  const current = snippets.find((snippet) => snippet.language === language) ?? snippets[0];
  if (current === undefined) return null;
  const hasSecret = secret !== undefined && secret !== "" && current.code.includes(secret);

  return (
    <Tabs.Root value={current.language} onValueChange={(value: string) => setLanguage(value)} className={styles.block}>
      <div className={styles.head}>
        <Tabs.List className={styles.tabs} aria-label={`Language for ${name}`}>
          {snippets.map((snippet) => (
            <Tabs.Tab key={snippet.language} value={snippet.language} className={styles.tab}>
              {snippet.language}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <div className={styles.actions}>
          {hasSecret && (
            <IconButton label={`${shown ? "Hide" : "Show"} the secret`} onClick={() => setShown(!shown)}>
              {shown ? <EyeOff size={16} aria-hidden="true" /> : <Eye size={16} aria-hidden="true" />}
            </IconButton>
          )}
          <CopyButton text={current.code} label={`${name} code`} />
        </div>
      </div>
      <Tabs.Panel value={current.language} tabIndex={-1}>
        <pre data-test-id={testId} className={styles.code} tabIndex={0} aria-label={`Code: ${name}`}>
          <code>
            {hasSecret
              ? current.code.split(secret).flatMap((text, index) => [
                  index > 0 && (
                    <span key={index} className={styles.secret} data-hidden={shown ? undefined : ""}>
                      {secret}
                    </span>
                  ),
                  text,
                ])
              : current.code}
          </code>
        </pre>
      </Tabs.Panel>
    </Tabs.Root>
  );
}
