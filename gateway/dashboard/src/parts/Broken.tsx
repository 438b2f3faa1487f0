/** What is left of a page that met a bug: a word about it, and the way out; the pages around it go on. */

import { Component, type ReactNode } from "react";
import { Failure } from "./States";

export class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Failure error={error} again={() => this.setState({ error: null })} />;
  }
}
