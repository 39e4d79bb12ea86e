export const customer = () => ({ element: document.createElement('div') });
